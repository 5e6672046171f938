package dev.weft.random;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class Philox4x32Test {
  @Test
  void blocksAreTheKnownAnswers() throws IOException {
    List<String> lines = lines("philox4x32-10.txt");
    assertThat(lines).hasSize(3);
    for (String line : lines) {
      long[] v = new long[10];
      String[] parts = line.split(" ");
      for (int i = 0; i < v.length; i++) {
        v[i] = Long.parseLong(parts[i], 16);
      }
      int[] out = new int[4];
      Philox4x32.block(v[0] | v[1] << 32, v[2] | v[3] << 32, v[4] | v[5] << 32, out);
      assertThat(out).containsExactly((int) v[6], (int) v[7], (int) v[8], (int) v[9]);
    }
  }

  @Test
  void curandOrderCountsSixteenBitsInZThenXY() {
    RandomKey key = RandomKey.of(0x299f31d0a4093822L);
    for (long q : new long[] {0, 1, 65535, 65536, 65537, 1L << 38, (1L << 61) - 1}) {
      int[] expected = new int[4];
      Philox4x32.block(q >>> 16, q & 0xFFFF, key.seed(), expected);
      int[] block = new int[4];
      Philox4x32.block(key, q, block);
      assertThat(block).isEqualTo(expected);
    }
  }

  @Test
  void sequentialOrderCountsInXY() {
    RandomKey key = RandomKey.of(7).withOrder(StreamOrder.SEQUENTIAL);
    for (long q : new long[] {0, 1, 65536, 1L << 38, (1L << 61) - 1}) {
      int[] expected = new int[4];
      Philox4x32.block(q, 0, 7, expected);
      int[] block = new int[4];
      Philox4x32.block(key, q, block);
      assertThat(block).isEqualTo(expected);
    }
  }

  @Test
  void wordTakesTheBlocksWordsInTurn() {
    RandomKey key = RandomKey.of(-3);
    int[] block = new int[4];
    for (long i = 262_140; i < 262_150; i++) {
      Philox4x32.block(key, i / 4, block);
      assertThat(Philox4x32.word(key, i)).isEqualTo(block[(int) (i % 4)]);
    }
  }

  static List<String> lines(String resource) throws IOException {
    try (var in = Philox4x32Test.class.getResourceAsStream(resource);
        var reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      return reader.lines().filter(line -> !line.startsWith("#")).toList();
    }
  }
}
