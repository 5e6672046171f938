package dev.weft.interop;

import dev.weft.Backend;
import dev.weft.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * Recomputes the tensors of a file from their receipts and compares byte for byte, in bounded
 * memory (for the matrix fills, that of the matrix).
 *
 * @since 0.1
 */
public final class Verifier {
  private Verifier() {}

  /**
   * The verdict on every tensor of {@code file}.
   *
   * @throws FormatException if a receipt is malformed
   * @throws IOException if the file cannot be read
   */
  public static List<Verification> verify(Backend backend, TensorFile file, Progress progress)
      throws IOException {
    List<Verification> verdicts = new ArrayList<>();
    long[] done = {0};
    try (ChunkedFill chunks = new ChunkedFill(backend)) {
      for (StoredTensor tensor : file.tensors()) {
        verdicts.add(
            verify(
                chunks,
                tensor,
                file.receipt(tensor.name()),
                bytes -> progress.update(verdicts.size(), done[0] + bytes)));
        done[0] += tensor.data().byteSize();
        progress.update(verdicts.size(), done[0]);
      }
    }
    return verdicts;
  }

  private static Verification verify(
      ChunkedFill chunks,
      StoredTensor tensor,
      Optional<Receipt> receipt,
      java.util.function.LongConsumer done)
      throws IOException {
    if (receipt.isEmpty()) {
      return new Verification(
          tensor.name(), Verification.Outcome.NO_RECEIPT, -1, "the file has no receipt for it");
    }
    Draw draw;
    try {
      draw = Draw.of(receipt.get());
    } catch (IllegalArgumentException e) {
      throw new FormatException(
          "receipt",
          "need a fill that suits its tensor (" + e.getMessage() + ")",
          "tensor",
          Json.shorten(tensor.name()));
    }
    Shape shape = draw.region().shape();
    if (!tensor.type().equals(Optional.of(draw.type())) || !tensor.shape().equals(shape)) {
      return different(
          tensor,
          -1,
          "the receipt is of "
              + draw.type()
              + " "
              + shape
              + ", the file has "
              + tensor.typeName()
              + " "
              + tensor.shape());
    }
    int size = draw.type().byteSize();
    try {
      chunks.run(
          draw,
          (bytes, position) -> {
            MemorySegment wanted = MemorySegment.ofBuffer(bytes);
            MemorySegment found = tensor.data().asSlice(position, wanted.byteSize());
            long at = wanted.mismatch(found);
            if (at >= 0) {
              long first = at / size * size;
              throw new Mismatch(
                  (position + first) / size,
                  "element "
                      + (position + first) / size
                      + ": the receipt gives "
                      + hex(wanted, first, size)
                      + ", the file has "
                      + hex(found, first, size));
            }
            done.accept(position + wanted.byteSize());
          });
    } catch (Mismatch e) {
      return different(tensor, e.element, e.getMessage());
    }
    return new Verification(tensor.name(), Verification.Outcome.MATCH, -1, "");
  }

  private static Verification different(StoredTensor tensor, long element, String detail) {
    return new Verification(tensor.name(), Verification.Outcome.DIFFERENT, element, detail);
  }

  /** The bits of a little-endian element, high digits first. */
  private static String hex(MemorySegment bytes, long at, int size) {
    StringBuilder out = new StringBuilder("0x");
    for (int i = size - 1; i >= 0; i--) {
      byte b = bytes.get(java.lang.foreign.ValueLayout.JAVA_BYTE, at + i);
      out.append(HexFormat.of().toHexDigits(b));
    }
    return out.toString();
  }

  /** Ends a comparison at the first difference. */
  private static final class Mismatch extends IOException {
    private static final long serialVersionUID = 1;
    private final long element;

    Mismatch(long element, String message) {
      super(message);
      this.element = element;
    }
  }
}
