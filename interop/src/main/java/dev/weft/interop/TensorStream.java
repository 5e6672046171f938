package dev.weft.interop;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.init.Fill;
import dev.weft.internal.Checks;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.util.Optional;

/**
 * The elements of a tensor, or of a region of one, little-endian and in row-major order, filled
 * chunk by chunk while they are taken: a tensor may be larger than the machine's memory. The bytes
 * are those that {@link dev.weft.Tensor#fill(Fill, RandomKey, Region)} gives.
 *
 * <pre>{@code
 * Region whole = Region.of(Shape.of(1L << 20, 1L << 14));    // 64 GiB of f32
 * TensorStream.of(backend, Fill.normal(0, 0.02), key, DType.F32, whole).writeTo(channel, Progress.NONE);
 * }</pre>
 *
 * <table>
 * <caption>Memory that a stream takes while it is written</caption>
 * <tr><th>fill</th><th>memory</th></tr>
 * <tr><td>orthogonal and delta-orthogonal, of more than 4 MiB: they cannot be divided</td>
 * <td>the region, as a tensor of the backend, and what the backend takes to make it</td></tr>
 * <tr><td>all others</td><td>two chunks of 4 MiB</td></tr>
 * </table>
 *
 * <p>The thread that writes hands on one chunk while another thread fills the next. It may be
 * interrupted: it then throws {@link java.io.InterruptedIOException} and is still interrupted, and
 * a channel that it was writing to is closed, as channels are. A stream is immutable, and may be
 * written any number of times and by any thread.
 *
 * @since 0.1
 */
public final class TensorStream {
  private static final String OP = "stream";

  /** Takes the bytes of a stream. */
  @FunctionalInterface
  public interface Sink {
    /**
     * Takes the next bytes, on the thread that writes the stream.
     *
     * @param bytes from its position to its limit, little-endian; its content is gone when this
     *     method returns
     * @param position bytes of the stream before these
     * @throws IOException to end the stream with it; so does any other exception
     */
    void accept(ByteBuffer bytes, long position) throws IOException;
  }

  private final Backend backend;
  private final Draw draw;

  private TensorStream(Backend backend, Draw draw) {
    this.backend = backend;
    this.draw = draw;
    draw.byteSize(); // throws if there are too many
  }

  /**
   * A region of a logical tensor.
   *
   * @throws IllegalArgumentException if the fill does not suit the shape or type, or the bytes pass
   *     2⁶³ − 1
   */
  public static TensorStream of(
      Backend backend, Fill fill, RandomKey key, DType dtype, Region region) {
    return new TensorStream(backend, new Draw(fill, key, dtype, region, Optional.empty()));
  }

  /**
   * The tensor of a receipt.
   *
   * @throws IllegalArgumentException as {@link #of(Backend, Fill, RandomKey, DType, Region)}
   */
  public static TensorStream of(Backend backend, Receipt receipt) {
    return new TensorStream(backend, Draw.of(receipt));
  }

  /** Bytes of all elements. */
  public long byteSize() {
    return draw.byteSize();
  }

  /**
   * Hands all bytes to {@code sink}, in pieces of at most 4 MiB that follow one another. After a
   * failure it is not called again.
   *
   * @throws IOException what {@code sink} throws
   * @throws dev.weft.MemoryLimitException if the fill cannot be divided and does not fit
   * @throws dev.weft.ClosedException if the backend is closed
   */
  public void writeTo(Sink sink) throws IOException {
    try (ChunkedFill chunks = new ChunkedFill(backend)) {
      chunks.run(draw, sink);
    }
  }

  /**
   * Writes all bytes to a channel that blocks until it takes some, and leaves it open.
   *
   * @throws IOException if the channel fails, or {@code stream: need a channel that blocks, got …}
   *     if it takes no byte
   * @throws dev.weft.MemoryLimitException as {@link #writeTo(Sink)}
   * @throws dev.weft.ClosedException as {@link #writeTo(Sink)}
   */
  public void writeTo(WritableByteChannel channel, Progress progress) throws IOException {
    write((bytes, position) -> channel.write(bytes), progress);
  }

  /**
   * Writes all bytes into a file from byte {@code position} on, and leaves the rest of the file,
   * the channel's own position and the channel as they are. The file grows where it must, and is
   * not forced to the disk.
   *
   * @param file open for writing, not for appending
   * @throws IllegalArgumentException {@code stream: need 0 <= position and an end below 2^63, got
   *     …}
   * @throws IOException if the file cannot be written; what was written before stays
   * @throws dev.weft.MemoryLimitException as {@link #writeTo(Sink)}
   * @throws dev.weft.ClosedException as {@link #writeTo(Sink)}
   */
  public void writeTo(FileChannel file, long position, Progress progress) throws IOException {
    if (position < 0 || byteSize() > Long.MAX_VALUE - position) {
      throw Checks.bad(
          OP,
          "need 0 <= position and an end below 2^63",
          "position",
          position,
          "byteSize",
          byteSize());
    }
    write((bytes, at) -> file.write(bytes, position + at), progress);
  }

  /** Writes some of the bytes at a position of the stream. */
  private interface Part {
    int write(ByteBuffer bytes, long position) throws IOException;
  }

  private void write(Part part, Progress progress) throws IOException {
    writeTo(
        (bytes, position) -> {
          long at = position;
          while (bytes.hasRemaining()) {
            int written = part.write(bytes, at);
            if (written <= 0) {
              throw new IOException(
                  Checks.message(OP, "need a channel that blocks", "written", written, "at", at));
            }
            at += written;
          }
          progress.update(0, at);
        });
    progress.update(1, byteSize());
  }
}
