package dev.weft.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;

/**
 * One command, run inside this JVM.
 *
 * @param code the exit code
 * @param bytes standard output
 * @param err standard error
 */
record Run(int code, byte[] bytes, String err) {
  static Run of(String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    StringWriter err = new StringWriter();
    Streams streams = new Streams(Channels.newChannel(out), new PrintWriter(err, true), false);
    int code = Main.run(streams, args);
    return new Run(code, out.toByteArray(), err.toString());
  }

  /** Standard output as text. */
  String out() {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
