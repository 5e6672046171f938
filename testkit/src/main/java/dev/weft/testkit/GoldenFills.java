package dev.weft.testkit;

import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.random.RandomKey;
import dev.weft.random.StreamOrder;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** Hashes of fills from golden-fills.txt, so that the stream can never change unseen. */
public final class GoldenFills {
  private GoldenFills() {}

  /**
   * One fill and its hash.
   *
   * @param spec the initializer
   * @param shape the logical shape
   * @param first the first logical element
   * @param count number of elements
   * @param sha256 hash of the little-endian elements
   */
  public record Line(
      String spec, DType dtype, RandomKey key, Shape shape, long first, int count, String sha256) {
    @Override
    public String toString() {
      return spec + " " + dtype.id() + " " + key.order().id() + " from " + first;
    }
  }

  /** Every line: initializer, dtype, order, seed, shape, first element, count, SHA-256. */
  public static List<Line> lines() {
    return KnownAnswers.lines("golden-fills.txt").stream()
        .map(
            line -> {
              String[] parts = line.split(" ");
              StreamOrder order = StreamOrder.valueOf(parts[2].toUpperCase(Locale.ROOT));
              RandomKey key = new RandomKey(Long.parseUnsignedLong(parts[3], 16), order);
              return new Line(
                  parts[0],
                  DType.parse(parts[1]),
                  key,
                  Shape.parse(parts[4]),
                  Long.parseLong(parts[5]),
                  Integer.parseInt(parts[6]),
                  parts[7]);
            })
        .toList();
  }

  /** SHA-256 of bytes, in hexadecimal. */
  public static String sha256(MemorySegment bytes) {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new IllegalStateException("sha256: the golden hashes are of little-endian elements");
    }
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(bytes.toArray(ValueLayout.JAVA_BYTE)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
