package dev.weft.adapters;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** The ONNX model y = −x for floats of any shape, written as the protobuf that onnx.proto says. */
final class NegModel {
  private static final int VARINT = 0;
  private static final int BYTES = 2;
  private static final byte[] FLOAT = varint(1, 1); // TypeProto.Tensor.elem_type

  private NegModel() {}

  static byte[] bytes() {
    byte[] type = field(1, FLOAT); // TypeProto.tensor_type
    byte[] node = join(text(1, "x"), text(2, "y"), text(4, "Neg"));
    byte[] graph =
        join(
            field(1, node),
            text(2, "g"),
            field(11, join(text(1, "x"), field(2, type))),
            field(12, join(text(1, "y"), field(2, type))));
    return join(varint(1, 8), field(7, graph), field(8, varint(2, 13))); // IR 8, operators 13
  }

  private static byte[] varint(int number, int value) {
    return new byte[] {(byte) (number << 3 | VARINT), (byte) value};
  }

  private static byte[] text(int number, String text) {
    return field(number, text.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] field(int number, byte[] content) {
    if (content.length > 127) {
      throw new AssertionError("a length of one byte does not hold " + content.length);
    }
    return join(new byte[] {(byte) (number << 3 | BYTES), (byte) content.length}, content);
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }
}
