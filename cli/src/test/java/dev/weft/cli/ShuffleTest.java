package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.random.Philox4x32;
import dev.weft.random.RandomKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShuffleTest {
  private static final RandomKey KEY = RandomKey.of(42);

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 1000})
  void isTheDocumentedPermutation(int n) {
    List<Integer> expected = new ArrayList<>(IntStream.range(0, n).boxed().toList());
    for (int i = n - 1; i >= 1; i--) {
      long word = Integer.toUnsignedLong(Philox4x32.word(KEY, n - 1 - i));
      Collections.swap(expected, i, (int) Math.floor(word * (i + 1.0) * 0x1p-32));
    }
    assertThat(shuffled(KEY, n)).containsExactly(expected.stream().mapToInt(i -> i).toArray());
  }

  @Test
  void isTheSameForEver() {
    assertThat(shuffled(KEY.child("split"), 10)).containsExactly(3, 8, 4, 1, 5, 9, 7, 2, 6, 0);
  }

  /** χ² over the 24 permutations of 4 elements; false failure 1e-6 of fixed seeds. */
  @Test
  void everyPermutationIsEquallyLikely() {
    assertThat(chiSquared(4, 24_000)).isLessThan(73);
    assertThat(chiSquared(3, 24_000)).as("one element never moves").isGreaterThan(73);
  }

  /** Of permutations of 4 elements, of which the first {@code moving} are shuffled. */
  private static double chiSquared(int moving, int draws) {
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < draws; i++) {
      int[] elements = Arrays.copyOf(shuffled(RandomKey.of(i), moving), 4);
      for (int rest = moving; rest < 4; rest++) {
        elements[rest] = rest;
      }
      counts.merge(Arrays.toString(elements), 1, Integer::sum);
    }
    double expected = draws / 24.0;
    double sum = (24 - counts.size()) * expected;
    for (int count : counts.values()) {
      sum += (count - expected) * (count - expected) / expected;
    }
    return sum;
  }

  private static int[] shuffled(RandomKey key, int n) {
    int[] elements = IntStream.range(0, n).toArray();
    Shuffle.permute(key, elements);
    return elements;
  }
}
