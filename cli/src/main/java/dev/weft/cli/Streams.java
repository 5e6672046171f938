package dev.weft.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Where a command writes: results to standard output, everything else to standard error.
 *
 * @param out standard output; takes text and raw elements alike, and throws {@link
 *     ClosedPipeException} if its reader went away
 * @param err standard error
 * @param terminal whether a person watches standard error
 */
record Streams(WritableByteChannel out, PrintWriter err, boolean terminal) {
  /** Writes to {@code channel}; see {@link #out()}. */
  Streams(WritableByteChannel out, PrintWriter err, boolean terminal) {
    this.out = new Pipe(out);
    this.err = err;
    this.terminal = terminal;
  }

  /** The streams of this process. */
  static Streams ofProcess() {
    var console = System.console();
    boolean dumb = "dumb".equals(System.getenv("TERM"));
    return new Streams(
        new FileOutputStream(FileDescriptor.out).getChannel(),
        new PrintWriter(System.err, true, StandardCharsets.UTF_8),
        console != null && console.isTerminal() && !dumb);
  }

  /**
   * Writes a result in words.
   *
   * @throws UncheckedIOException if it cannot be written
   */
  void print(String text) {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    try {
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes one line to standard error; control characters in it are shown as escapes. */
  void complain(String line) {
    StringBuilder text = new StringBuilder(line.length());
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (c == '\n') {
        text.append("\\n");
      } else if (Character.isISOControl(c)) {
        text.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        text.append(c);
      }
    }
    err.println(text);
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
