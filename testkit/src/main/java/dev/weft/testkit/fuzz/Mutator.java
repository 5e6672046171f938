package dev.weft.testkit.fuzz;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Makes inputs out of others; the same ones for the same seed, seeds and tokens. */
final class Mutator {
  /** The longest input. */
  static final int MOST_BYTES = 1 << 16;

  /** Inputs that were read and are mutated further, besides the seeds. */
  private static final int MOST_KEPT = 64;

  /** Texts that formats have trouble with. */
  private static final String[] TEXTS = {
    "0",
    "-0",
    "-1",
    "1",
    "007",
    "127",
    "128",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "-2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "1e308",
    "-1e308",
    "1.7976931348623157e308",
    "1e309",
    "5e-324",
    "1e-400",
    "-0.0",
    "0x1p3",
    "1f",
    "1d",
    "NaN",
    "Infinity",
    "-Infinity",
    "\u0663",
    "null",
    "true",
    "false",
    "{}",
    "[]",
    "()",
    "\"\"",
    "''",
    ",",
    ":",
    ";",
    "=",
    "\\u0000",
    "\\ud800",
    "\\udc00\\ud800",
    "\\",
    "\u0000",
    "\uFEFF",
    "\uFFFD",
    "\u00e9",
    "\ud83d\ude00",
    "\u001b[2J",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "../",
    "/",
    "%s",
    "__metadata__"
  };

  private static final long[] NUMBERS = {
    0,
    1,
    -1,
    2,
    7,
    8,
    31,
    64,
    127,
    128,
    255,
    256,
    Short.MAX_VALUE,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    1L << 31,
    1L << 32,
    (1L << 32) - 1,
    1L << 40,
    1L << 53,
    1L << 61,
    1L << 62,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    Long.MAX_VALUE - 63
  };

  private final SplittableRandom random;
  private final List<byte[]> pool;
  private final int seeds;
  private final List<byte[]> tokens = new ArrayList<>();
  private int kept;

  Mutator(long seed, List<byte[]> seeds, List<String> words) {
    this.random = new SplittableRandom(seed);
    this.pool = new ArrayList<>(seeds);
    this.seeds = seeds.size();
    for (String text : TEXTS) {
      tokens.add(text.getBytes(StandardCharsets.UTF_8));
    }
    for (String deep : List.of("[", "{", "]", "}", "(", "{\"a\":", "[[],", "0,")) {
      tokens.add(deep.repeat(40).getBytes(StandardCharsets.UTF_8));
    }
    for (long number : NUMBERS) {
      for (ByteOrder order : List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN)) {
        tokens.add(ByteBuffer.allocate(8).order(order).putLong(number).array());
        tokens.add(ByteBuffer.allocate(4).order(order).putInt((int) number).array());
      }
    }
    for (String word : words) { // as likely together as all others
      for (int i = 0; i < Math.max(1, 100 / words.size()); i++) {
        tokens.add(word.getBytes(StandardCharsets.UTF_8));
      }
    }
  }

  /** The next input. */
  byte[] next() {
    byte[] input = any();
    int count = 1 + (random.nextInt(4) == 0 ? random.nextInt(8) : random.nextInt(2));
    for (int i = 0; i < count; i++) {
      input = mutate(input);
    }
    return input;
  }

  /** Takes an input that was read for further mutations. */
  void keep(byte[] input) {
    if (random.nextInt(8) == 0) {
      if (pool.size() < seeds + MOST_KEPT) {
        pool.add(input);
      } else {
        pool.set(seeds + kept++ % MOST_KEPT, input);
      }
    }
  }

  /** {@code input} with other bytes instead of those from {@code from} to {@code to}. */
  static byte[] replace(byte[] input, int from, int to, byte[] with) {
    byte[] out = new byte[from + with.length + input.length - to];
    System.arraycopy(input, 0, out, 0, from);
    System.arraycopy(with, 0, out, from, with.length);
    System.arraycopy(input, to, out, from + with.length, input.length - to);
    return out.length <= MOST_BYTES ? out : Arrays.copyOf(out, MOST_BYTES);
  }

  private byte[] any() {
    boolean seed = pool.size() == seeds || random.nextInt(2) == 0;
    return pool.get(seed ? random.nextInt(seeds) : random.nextInt(seeds, pool.size()));
  }

  private byte[] mutate(byte[] input) {
    int from = random.nextInt(input.length + 1);
    int to = from + random.nextInt(Math.min(input.length - from, reach()) + 1);
    return switch (random.nextInt(11)) {
      case 0 -> flipped(input);
      case 1 -> replace(input, from, Math.min(from + 1, input.length), bytes(1));
      case 2 -> replace(input, from, from, bytes(1 + random.nextInt(4)));
      case 3 -> replace(input, from, to, new byte[0]);
      case 4 -> Arrays.copyOf(input, from);
      case 5 -> replace(input, to, to, Arrays.copyOfRange(input, from, to));
      case 6 -> repeated(input, from, to);
      case 7 -> replace(input, from, from, token());
      case 8 -> overwritten(input, from);
      case 9 -> number(input, from);
      default -> spliced(input, from);
    };
  }

  /** How far a block reaches at most: short ones are more frequent. */
  private int reach() {
    return 1 << random.nextInt(1, 12);
  }

  private byte[] flipped(byte[] input) {
    byte[] out = input.clone();
    if (out.length > 0) {
      out[random.nextInt(out.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return out;
  }

  /** A block many times: cost that grows faster than the input shows here. */
  private byte[] repeated(byte[] input, int from, int to) {
    if (to == from || random.nextInt(8) > 0) {
      return replace(input, to, to, Arrays.copyOfRange(input, from, to));
    }
    int times = Math.min(1 << random.nextInt(2, 15), MOST_BYTES / (to - from));
    byte[] block = new byte[times * (to - from)];
    for (int i = 0; i < block.length; i++) {
      block[i] = input[from + i % (to - from)];
    }
    return replace(input, from, to, block);
  }

  /** A token over bytes of its length, often where a field of 4 bytes would begin. */
  private byte[] overwritten(byte[] input, int from) {
    byte[] token = token();
    int begin = random.nextBoolean() ? from & -4 : from;
    return replace(input, begin, Math.min(begin + token.length, input.length), token);
  }

  /** A token for the number that follows. */
  private byte[] number(byte[] input, int from) {
    int begin = from;
    while (begin < input.length && !isDigit(input[begin])) {
      begin++;
    }
    int end = begin;
    while (end < input.length && isDigit(input[end])) {
      end++;
    }
    return replace(input, begin, end, token());
  }

  private byte[] spliced(byte[] input, int from) {
    byte[] other = any();
    int begin = random.nextInt(other.length + 1);
    return replace(input, from, input.length, Arrays.copyOfRange(other, begin, other.length));
  }

  private static boolean isDigit(byte b) {
    return b >= '0' && b <= '9';
  }

  private byte[] token() {
    return tokens.get(random.nextInt(tokens.size()));
  }

  private byte[] bytes(int count) {
    byte[] out = new byte[count];
    random.nextBytes(out);
    return out;
  }
}
