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
 * @param out standard output; takes text and raw elements alike
 * @param err standard error
 * @param terminal whether a person watches standard error
 */
record Streams(WritableByteChannel out, PrintWriter err, boolean terminal) {

  /** The streams of this process. */
  static Streams ofProcess() {
    // Neither stream is closed: they belong to the process.
    @SuppressWarnings("resource")
    WritableByteChannel out = new FileOutputStream(FileDescriptor.out).getChannel();
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    var console = System.console();
    boolean dumb = "dumb".equals(System.getenv("TERM"));
    return new Streams(out, err, console != null && console.isTerminal() && !dumb);
  }

  /** Writes a result in words. */
  void print(String text) {
    write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * Writes all bytes.
   *
   * @throws ClosedPipeException if the reader went away
   * @throws UncheckedIOException if they cannot be written
   */
  void write(ByteBuffer bytes) {
    try {
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
    } catch (IOException e) {
      // The system's words for EPIPE hold "pipe" in every locale.
      String message = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
      if (message.contains("pipe")) {
        throw new ClosedPipeException(e);
      }
      throw new UncheckedIOException("standard output: " + e.getMessage(), e);
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
        text.append(String.format("\\u%04x", (int) c));
      } else {
        text.append(c);
      }
    }
    err.println(text);
    err.flush();
  }
}
