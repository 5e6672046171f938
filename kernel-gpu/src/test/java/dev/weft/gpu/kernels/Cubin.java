package dev.weft.gpu.kernels;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * The kernels of a cubin, an ELF file of 64 bits: a section {@code .text.NAME} for each, whose
 * instructions take 16 bytes.
 */
final class Cubin {
  private static final int INSTRUCTION_BYTES = 16;

  /** Low bits of a relative branch, as of Volta. */
  private static final int WIDE_MULTIPLICATION = 0x25; // whatever its operands are

  private static final int BRANCH = 0x947;

  private Cubin() {}

  /**
   * A compiled kernel.
   *
   * @param instructions of the whole kernel, with its padding
   * @param loop instructions of the loop that makes blocks of the stream with the fewest, or of the
   *     first one if none does; 0 without loops
   * @param blocks that a turn of that loop makes; 0 if it makes none
   */
  record Kernel(int instructions, int loop, int blocks) {}

  /** Every kernel by its name. */
  static Map<String, Kernel> kernels(byte[] elf) {
    ByteBuffer file = ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN);
    long table = file.getLong(40);
    int size = file.getShort(58);
    int count = file.getShort(60) & 0xFFFF;
    int names = (int) file.getLong((int) table + (file.getShort(62) & 0xFFFF) * size + 24);
    Map<String, Kernel> kernels = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      int header = (int) table + i * size;
      String name = name(elf, names + file.getInt(header));
      if (name.startsWith(".text.")) {
        int offset = (int) file.getLong(header + 24);
        int bytes = (int) file.getLong(header + 32);
        ByteBuffer code = file.slice(offset, bytes).order(ByteOrder.LITTLE_ENDIAN);
        kernels.put(name.substring(6), kernel(code));
      }
    }
    return kernels;
  }

  private static String name(byte[] elf, int from) {
    int to = from;
    while (elf[to] != 0) {
      to++;
    }
    return new String(
        Arrays.copyOfRange(elf, from, to), java.nio.charset.StandardCharsets.US_ASCII);
  }

  private static Kernel kernel(ByteBuffer code) {
    int count = code.capacity() / INSTRUCTION_BYTES;
    int loop = 0;
    int blocks = 0;
    for (int i = 0; i < count; i++) {
      long low = code.getLong(i * INSTRUCTION_BYTES);
      long high = code.getLong(i * INSTRUCTION_BYTES + 8);
      if ((low & 0xFFF) == BRANCH) {
        // distance from the next instruction in units of 4 bytes: bits 16 to 23 below bits 34 to 81
        long distance = (high << 46 >> 16 | low >>> 34) << 8 | low >>> 16 & 0xFF;
        long target = i + 1 + (distance << 2) / INSTRUCTION_BYTES;
        if (target >= 0 && target < i) {
          int length = (int) (i - target + 1);
          int made = blocks(code, (int) target, i);
          if (loop == 0 || made > 0 && (blocks == 0 || length * blocks < loop * made)) {
            loop = length;
            blocks = made;
          }
        }
      }
    }
    return new Kernel(count, loop, blocks);
  }

  /** Blocks of Philox by their wide multiplications: 16 in a column and 2 a row, 20 elsewhere. */
  private static int blocks(ByteBuffer code, int from, int to) {
    int wide = 0;
    for (int i = from; i <= to; i++) {
      if ((code.getLong(i * INSTRUCTION_BYTES) & 0xFF) == WIDE_MULTIPLICATION) {
        wide++;
      }
    }
    return wide / 16;
  }
}
