package dev.weft.testkit;

import dev.weft.random.RandomKey;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Known answers, from plain files beside this class. */
public final class KnownAnswers {
  private KnownAnswers() {}

  /**
   * Eight words and the eight normals of the same words, from NVIDIA's host generator.
   *
   * @param key in {@code curand} order
   * @param offset the first word
   */
  public record Curand(RandomKey key, long offset, int[] words, float[] normals) {}

  /**
   * A block of Philox4x32-10.
   *
   * @param counter x, y, z, w
   * @param key k0, k1
   * @param output four words
   */
  public record Block(int[] counter, int[] key, int[] output) {}

  /** The rows of curand-philox4x32-10.csv. */
  public static List<Curand> curand() {
    return lines("curand-philox4x32-10.csv").stream()
        .map(
            line -> {
              String[] parts = line.split(",");
              int[] words = hex(Arrays.copyOfRange(parts, 2, 10));
              int[] bits = hex(Arrays.copyOfRange(parts, 10, 18));
              float[] normals = new float[8];
              for (int i = 0; i < 8; i++) {
                normals[i] = Float.intBitsToFloat(bits[i]);
              }
              long seed = Long.parseUnsignedLong(parts[0].substring(2), 16);
              return new Curand(RandomKey.of(seed), Long.parseLong(parts[1]), words, normals);
            })
        .toList();
  }

  /** The rows of philox4x32-10.txt, published with Random123. */
  public static List<Block> philox() {
    return lines("philox4x32-10.txt").stream()
        .map(
            line -> {
              int[] v = hex(line.split(" "));
              return new Block(
                  Arrays.copyOf(v, 4), Arrays.copyOfRange(v, 4, 6), Arrays.copyOfRange(v, 6, 10));
            })
        .toList();
  }

  /** The lines of a resource of this package, without comments. */
  public static List<String> lines(String resource) {
    try (InputStream in = KnownAnswers.class.getResourceAsStream(resource);
        var reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      return reader.lines().filter(line -> !line.startsWith("#")).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int[] hex(String[] parts) {
    return Arrays.stream(parts).mapToInt(part -> Integer.parseUnsignedInt(part, 16)).toArray();
  }
}
