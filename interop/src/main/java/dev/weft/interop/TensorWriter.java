package dev.weft.interop;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.internal.Checks;
import dev.weft.internal.Chunks;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes one tensor to a file, in bounded memory: a tensor may be larger than the machine's memory.
 * (Orthogonal fills take what the backend takes for them, and {@link TensorStream} or {@link
 * Verifier} the whole matrix as well.)
 *
 * <table>
 * <caption>Files by the end of their names</caption>
 * <tr><th>end</th><th>content</th><th>receipt</th></tr>
 * <tr><td>.npy</td><td>NumPy, version 1.0; no bf16</td><td>FILE.npy.json</td></tr>
 * <tr><td>.safetensors</td><td>one tensor</td><td>in {@code __metadata__}</td></tr>
 * <tr><td>.bin</td><td>little-endian elements alone</td><td>none</td></tr>
 * </table>
 *
 * <p>Files are atomic as {@link AtomicFile} says. Raw words ({@link Fill#bits}) are stored as
 * unsigned integers of the type's size.
 *
 * @since 0.1
 */
public final class TensorWriter {
  /** Bytes that are filled between two reports of progress. */
  private static final long STEP_BYTES = 64L << 20;

  /** The name of the tensor in a {@code .safetensors} file where the caller gives none. */
  public static final String DEFAULT_NAME = "tensor";

  private TensorWriter() {}

  /**
   * Writes the tensor of {@code receipt} to {@code file}, with the receipt.
   *
   * @param name of the tensor in a {@code .safetensors} file
   * @throws IllegalArgumentException if the fill does not suit the shape or type, or the type the
   *     file
   * @throws dev.weft.MemoryLimitException if an orthogonal matrix does not fit in memory
   * @throws NoSpaceException if the file does not fit
   * @throws IOException if it cannot be written, or somebody else is writing it; then it is as it
   *     was before
   */
  public static void write(
      Backend backend, Receipt receipt, String name, Path file, Progress progress)
      throws IOException {
    write(backend, Draw.of(receipt), name, file, progress);
  }

  /**
   * Writes a tensor to {@code file}, without a receipt; otherwise as {@link #write(Backend,
   * Receipt, String, Path, Progress)}.
   */
  public static void write(
      Backend backend,
      Fill fill,
      RandomKey key,
      DType dtype,
      Region region,
      String name,
      Path file,
      Progress progress)
      throws IOException {
    write(backend, new Draw(fill, key, dtype, region, Optional.empty()), name, file, progress);
  }

  private static void write(Backend backend, Draw draw, String name, Path file, Progress progress)
      throws IOException {
    if (Texts.endsWith(file, ".safetensors")) {
      Map<String, String> metadata =
          draw.receipt()
              .map(receipt -> Map.of(SafetensorsFile.RECEIPT_KEY + name, receipt.toJson()))
              .orElse(Map.of());
      SafetensorsLayout layout =
          SafetensorsLayout.of(
              List.of(new SafetensorsLayout.Entry(name, draw.type(), draw.region().shape())),
              metadata);
      write(backend, draw, layout.header(), file, progress);
    } else if (Texts.endsWith(file, ".npy")) {
      writeNpy(backend, draw, file, progress);
    } else if (Texts.endsWith(file, ".bin")) {
      write(backend, draw, new byte[0], file, progress);
    } else {
      throw Checks.bad(
          "write", "need a name that ends in .npy, .safetensors or .bin", "file", file);
    }
  }

  /**
   * A receipt must never stand beside data that it is not of: it goes first and comes last, and
   * data whose receipt cannot be written are not written either.
   */
  private static void writeNpy(Backend backend, Draw draw, Path file, Progress progress)
      throws IOException {
    byte[] header = NpyFile.header(draw.type(), draw.region().shape());
    Path receiptFile = NpyFile.receiptPath(file);
    byte[] receipt =
        draw.receipt()
            .map(r -> Json.writePretty(r.toMap()).getBytes(StandardCharsets.UTF_8))
            .orElse(new byte[0]);
    draw.requireMemory(backend);
    try (FileSet files = FileSet.open(file)) {
      AtomicFile.checkTarget(receiptFile);
      AtomicFile data = files.begin(file, sum(header.length, draw.byteSize()));
      if (receipt.length > 0) {
        AtomicFile beside = files.begin(receiptFile, receipt.length);
        beside.write(ByteBuffer.wrap(receipt), 0);
        beside.finish();
      }
      fill(backend, draw, header, data, progress);
      files.commit(receiptFile);
    }
    progress.update(1, draw.byteSize());
  }

  private static void write(Backend backend, Draw draw, byte[] header, Path file, Progress progress)
      throws IOException {
    draw.requireMemory(backend);
    try (AtomicFile data = AtomicFile.create(file, sum(header.length, draw.byteSize()))) {
      fill(backend, draw, header, data, progress);
      data.commit();
    }
    progress.update(1, draw.byteSize());
  }

  private static void fill(
      Backend backend, Draw draw, byte[] header, AtomicFile data, Progress progress)
      throws IOException {
    try (ChunkedFill chunks = new ChunkedFill(backend)) {
      data.write(ByteBuffer.wrap(header), 0);
      put(backend, chunks, draw, data, header.length, bytes -> progress.update(0, bytes));
    }
  }

  /** The sum of two sizes; beyond 2⁶³ − 1, that: no file system has the room. */
  static long sum(long a, long b) {
    return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
  }

  /**
   * Writes the elements at {@code offset}, in place where the file's blocks are reserved; {@code
   * done} hears how many bytes of them are written.
   */
  static void put(
      Backend backend,
      ChunkedFill chunks,
      Draw draw,
      AtomicFile file,
      long offset,
      java.util.function.LongConsumer done)
      throws IOException {
    if (draw.byteSize() == 0) {
      return;
    }
    if (ChunkedFill.isDivisible(draw.fill()) && !file.isReserved()) {
      chunks.run(
          draw,
          (bytes, position) -> {
            int length = bytes.remaining();
            file.write(bytes, offset + position);
            done.accept(position + length);
          });
      return;
    }
    MemorySegment place = file.map(offset, draw.byteSize());
    if (!ChunkedFill.isDivisible(draw.fill())) {
      fill(backend, draw, draw.region(), place, file);
      done.accept(draw.byteSize());
      return;
    }
    long[] position = {0};
    Chunks.forEach(
        draw.region(),
        STEP_BYTES / draw.dtype().byteSize(),
        part -> {
          long bytes = draw.dtype().byteSize(part.shape().elements());
          fill(backend, draw, part, place.asSlice(position[0], bytes), file);
          position[0] += bytes;
          done.accept(position[0]);
        });
  }

  private static void fill(
      Backend backend, Draw draw, Region region, MemorySegment out, AtomicFile file)
      throws IOException {
    try (Tensor tensor = backend.wrap(out, draw.dtype(), region.shape())) {
      tensor.fill(draw.fill(), draw.key(), region);
    } catch (InternalError e) {
      throw file.shortened(e);
    }
  }
}
