package dev.weft.gpu.kernels;

import dev.weft.DType;
import dev.weft.spi.fill.StreamFill;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;

/** The entry points of fill.cu and, from {@link #WORDS_BITS_F32} on, of words.cu. */
public enum FillKernel {
  BITS_F32,
  BITS_F64,
  BITS_F16,
  BITS_BF16,
  UNIFORM_F32,
  UNIFORM_F64,
  UNIFORM_F16,
  UNIFORM_BF16,
  NORMAL_F32,
  NORMAL_F64,
  NORMAL_F16,
  NORMAL_BF16,
  TRUNCATED_NORMAL_F32,
  TRUNCATED_NORMAL_F64,
  TRUNCATED_NORMAL_F16,
  TRUNCATED_NORMAL_BF16,
  CONSTANT_2,
  CONSTANT_4,
  CONSTANT_8,
  IDENTITY_2,
  IDENTITY_4,
  IDENTITY_8,
  DIRAC_2,
  DIRAC_4,
  DIRAC_8,
  SPARSE_ZEROS_2,
  SPARSE_ZEROS_4,
  SPARSE_ZEROS_8,
  WORDS_BITS_F32,
  WORDS_BITS_F64,
  WORDS_BITS_F16,
  WORDS_BITS_BF16,
  WORDS_UNIFORM_F32,
  WORDS_UNIFORM_F64,
  WORDS_UNIFORM_F16,
  WORDS_UNIFORM_BF16,
  WORDS_NORMAL_F32,
  WORDS_NORMAL_F64,
  WORDS_NORMAL_F16,
  WORDS_NORMAL_BF16,
  WORDS_TRUNCATED_NORMAL_F32,
  WORDS_TRUNCATED_NORMAL_F64,
  WORDS_TRUNCATED_NORMAL_F16,
  WORDS_TRUNCATED_NORMAL_BF16;

  /** A block has at most this many threads: the kernels are compiled for it. */
  public static final int MAX_THREADS = 256;

  /**
   * A multiple of so many blocks of {@link #MAX_THREADS} suits large random fills: a thread then
   * stays in one column of the stream, whose blocks share a part of their rounds.
   */
  public static final int COLUMN_BLOCKS = 65536 / MAX_THREADS;

  private static final FillKernel[] ALL = values();

  private final String symbol = "weft_" + name().toLowerCase(java.util.Locale.ROOT);

  /**
   * The PTX of fill.cu, ended by a zero byte as {@code cuModuleLoadData} takes it: for compute
   * capability 8.0 and later, and drivers from CUDA 11.0 on.
   */
  public static byte[] ptx() {
    return ptx("fill.ptx");
  }

  /** The PTX of words.cu in the same form. */
  public static byte[] wordsPtx() {
    return ptx("words.ptx");
  }

  /** A PTX beside this class, ended by a zero byte. */
  static byte[] ptx(String file) {
    try (InputStream in = FillKernel.class.getResourceAsStream(file)) {
      byte[] text = in.readAllBytes();
      return Arrays.copyOf(text, text.length + 1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Name of the entry point. */
  public String symbol() {
    return symbol;
  }

  /** Whether it is of words.cu: it reads the words of the stream from memory. */
  public boolean readsWords() {
    return ordinal() >= WORDS_BITS_F32.ordinal();
  }

  /** The kernel that writes a random fill. */
  static FillKernel of(StreamFill stream) {
    return ALL[index(stream)];
  }

  /** The kernel that makes a random fill of its words. */
  static FillKernel ofWords(StreamFill stream) {
    return ALL[WORDS_BITS_F32.ordinal() + index(stream)];
  }

  private static int index(StreamFill stream) {
    return stream.kind().ordinal() * DType.values().length + stream.dtype().ordinal();
  }

  /** The sibling of a kernel for 2 bytes for elements of 2, 4 or 8 bytes. */
  static FillKernel of(FillKernel two, int elementBytes) {
    return ALL[two.ordinal() + Integer.numberOfTrailingZeros(elementBytes) - 1];
  }
}
