package dev.weft.interop;

import dev.weft.Backend;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * Recomputes the tensors of a file from their receipts and compares byte for byte, in bounded
 * memory (for the matrix fills, that of the matrix).
 *
 * <p>A receipt of one element of an orthogonal matrix asks for the whole matrix. {@link #work}
 * tells what a file asks for before anything is computed, and {@link #verify(Backend, TensorFile,
 * Progress)} refuses what is out of proportion to the file.
 *
 * @since 0.1
 */
public final class Verifier {
  private static final String OP = "verify";
  private static final double BASE = 2e10;
  private static final double PER_BYTE = 1 << 15;
  private static final double PER_ELEMENT = 100; // a normal takes the most

  private final ChunkedFill chunks;
  private final MemorySegment buffer;

  private Verifier(ChunkedFill chunks, MemorySegment buffer) {
    this.chunks = chunks;
    this.buffer = buffer;
  }

  /**
   * The verdict on every tensor of {@code file}, if that takes no more than {@link #fairWork}.
   *
   * @throws FormatException if a receipt is malformed, or {@code verify: need at most …
   *     floating-point operations, got …}
   * @throws IOException if the file cannot be read, or became shorter
   */
  public static List<Verification> verify(Backend backend, TensorFile file, Progress progress)
      throws IOException {
    return verify(backend, file, fairWork(file), progress);
  }

  /**
   * The verdict on every tensor of {@code file}, if that takes no more than {@code limit}
   * floating-point operations by {@link #work}; otherwise as {@link #verify(Backend, TensorFile,
   * Progress)}.
   */
  public static List<Verification> verify(
      Backend backend, TensorFile file, double limit, Progress progress) throws IOException {
    double work = work(file);
    if (!(work <= limit)) {
      throw new FormatException(
          OP,
          "need at most " + limit + " floating-point operations",
          "file",
          file.path(),
          "operations",
          work);
    }
    List<Verification> verdicts = new ArrayList<>();
    long[] done = {0};
    try (ChunkedFill chunks = new ChunkedFill(backend);
        Arena arena = Arena.ofShared()) {
      Verifier verifier = new Verifier(chunks, arena.allocate(ChunkedFill.CHUNK_BYTES, Long.BYTES));
      for (StoredTensor tensor : file.tensors()) {
        verdicts.add(
            verifier.verify(
                tensor,
                file.receipt(tensor.name()),
                bytes -> progress.update(verdicts.size(), done[0] + bytes)));
        done[0] += tensor.byteSize();
        progress.update(verdicts.size(), done[0]);
      }
    }
    return verdicts;
  }

  /**
   * How many floating-point operations it takes about to recompute the tensors of {@code file}: 100
   * for each element, and 4·m·k² for an orthogonal matrix whose sides are m ≥ k, of which any part
   * takes the whole.
   *
   * @throws FormatException if a receipt is malformed
   * @throws IOException if a receipt cannot be read
   */
  public static double work(TensorFile file) throws IOException {
    double work = 0;
    for (StoredTensor tensor : file.tensors()) {
      Optional<Receipt> receipt = file.receipt(tensor.name());
      if (receipt.isPresent() && receipt.get().difference(tensor).isEmpty()) {
        long elements = tensor.shape().elements();
        Receipt known = receipt.get();
        work += PER_ELEMENT * elements;
        if (elements > 0) {
          work +=
              Draw.matrix(known.fill(), known.region().logical())
                  .map(Verifier::matrixWork)
                  .orElse(0.0);
        }
      }
    }
    return work;
  }

  /**
   * How many floating-point operations are in proportion to {@code file}: 2·10¹⁰, and 32768 for
   * each byte of its tensors. An orthogonal matrix of f32 that is whole may have 32768 columns.
   */
  public static double fairWork(TensorFile file) {
    double bytes = 0;
    for (StoredTensor tensor : file.tensors()) {
      bytes += tensor.byteSize();
    }
    return BASE + PER_BYTE * bytes;
  }

  private static double matrixWork(Draw.Sides matrix) {
    double shorter = Math.min(matrix.rows(), matrix.columns());
    return 4.0 * Math.max(matrix.rows(), matrix.columns()) * shorter * shorter;
  }

  private Verification verify(StoredTensor tensor, Optional<Receipt> receipt, LongConsumer done)
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
          Texts.shorten(tensor.name()));
    }
    Optional<String> difference = receipt.get().difference(tensor);
    if (difference.isPresent()) {
      return different(tensor, -1, difference.get());
    }
    int size = draw.type().byteSize();
    try {
      chunks.run(
          draw,
          (bytes, position) -> {
            MemorySegment wanted = MemorySegment.ofBuffer(bytes);
            MemorySegment found = buffer.asSlice(0, wanted.byteSize());
            tensor.readBytes(position, found);
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
      out.append(HexFormat.of().toHexDigits(bytes.get(ValueLayout.JAVA_BYTE, at + i)));
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
