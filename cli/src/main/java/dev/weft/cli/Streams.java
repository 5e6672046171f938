package dev.weft.cli;

import dev.weft.internal.Checks;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.BooleanSupplier;

/**
 * Where a command writes: results to standard output, everything else to standard error.
 *
 * @param out standard output; takes text and raw elements alike, and throws {@link
 *     ClosedPipeException} if its reader went away
 * @param err standard error
 * @param terminal whether a person watches standard error
 * @param outTerminal whether standard output is a terminal, which raw elements would garble
 */
record Streams(
    WritableByteChannel out, PrintWriter err, boolean terminal, BooleanSupplier outTerminal) {
  /** More than any line says that repeats no name of some megabytes. */
  private static final int MOST_OF_A_LINE = 10_000;

  /** Writes to {@code channel}; see {@link #out()}. */
  Streams(WritableByteChannel out, PrintWriter err, boolean terminal, BooleanSupplier outTerminal) {
    this.out = new Pipe(out);
    this.err = err;
    this.terminal = terminal;
    this.outTerminal = outTerminal;
  }

  /** Standard output is no terminal. */
  Streams(WritableByteChannel out, PrintWriter err, boolean terminal) {
    this(out, err, terminal, () -> false);
  }

  /** The streams of this process. */
  static Streams ofProcess() {
    var console = System.console();
    boolean dumb = "dumb".equals(System.getenv("TERM"));
    return new Streams(
        new FileOutputStream(FileDescriptor.out).getChannel(),
        new PrintWriter(System.err, true, StandardCharsets.UTF_8),
        console != null && console.isTerminal() && !dumb,
        Terminal::isOutput);
  }

  /**
   * Writes a result in words or as JSON; what is not {@link Printable} in it is shown as escapes.
   *
   * @throws UncheckedIOException if it cannot be written
   */
  void print(String text) {
    ByteBuffer bytes =
        ByteBuffer.wrap(
            Printable.text(text.replace(System.lineSeparator(), "\n"))
                .getBytes(StandardCharsets.UTF_8));
    try {
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes one line to standard error; what is not {@link Printable} in it is shown as escapes. */
  void complain(String line) {
    err.println(Printable.line(Checks.cut(line, MOST_OF_A_LINE)));
    err.flush();
  }

  /** Tells a reader that went away from a failure to write. */
  private record Pipe(WritableByteChannel channel) implements WritableByteChannel {
    @Override
    public int write(ByteBuffer bytes) throws IOException {
      try {
        return channel.write(bytes);
      } catch (IOException e) {
        // The system's words for EPIPE hold "pipe" in every locale.
        if (String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT).contains("pipe")) {
          throw new ClosedPipeException(e);
        }
        throw new IOException("standard output: " + e.getMessage(), e);
      }
    }

    @Override
    public boolean isOpen() {
      return channel.isOpen();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
