package dev.weft.random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RandomKeyTest {
  @Test
  void childrenAreTheGoldenKeys() throws IOException {
    List<String> lines = Philox4x32Test.lines("keys.csv");
    assertThat(lines).hasSize(65);
    for (String line : lines) {
      String[] parts = line.split(",", -1);
      RandomKey key = RandomKey.of(Long.parseUnsignedLong(parts[0], 16));
      RandomKey child;
      if (parts[1].equals("child")) {
        child = key.child(parts[2]);
      } else {
        int index = Integer.parseInt(parts[2]);
        child = key.split(index + 1)[index];
      }
      assertThat(child)
          .as(line)
          .isEqualTo(RandomKey.of(Long.parseUnsignedLong(parts[3], 16)))
          .hasSameHashCodeAs(RandomKey.of(Long.parseUnsignedLong(parts[3], 16)));
    }
  }

  @Test
  void splitKeysDoNotDependOnTheirNumber() {
    RandomKey key = RandomKey.of(5);
    assertThat(Arrays.copyOf(key.split(100), 7)).isEqualTo(key.split(7));
    assertThat(key.split(0)).isEmpty();
  }

  @Test
  void childrenDifferFromOneAnother() {
    Set<Long> seeds = new HashSet<>();
    RandomKey key = RandomKey.of(0);
    for (RandomKey part : key.split(1000)) {
      seeds.add(part.seed());
    }
    for (int i = 0; i < 1000; i++) {
      seeds.add(key.child("layer" + i).seed());
      seeds.add(RandomKey.of(i + 1).child("layer").seed());
    }
    assertThat(seeds).hasSize(3000);
  }

  @Test
  void orderIsInheritedAndDoesNotChangeTheSeed() {
    RandomKey key = RandomKey.of(9);
    RandomKey sequential = key.withOrder(StreamOrder.SEQUENTIAL);
    assertThat(key.order()).isEqualTo(StreamOrder.CURAND);
    assertThat(sequential.child("a"))
        .isEqualTo(key.child("a").withOrder(StreamOrder.SEQUENTIAL))
        .isNotEqualTo(key.child("a"));
    assertThat(sequential.split(2)[1].order()).isEqualTo(StreamOrder.SEQUENTIAL);
  }

  @Test
  void badArgumentsAreNamed() {
    assertThatThrownBy(() -> RandomKey.of(1).split(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("split: need n >= 0, got n=-1");
    assertThatThrownBy(() -> new RandomKey(1, null)).isInstanceOf(NullPointerException.class);
  }
}
