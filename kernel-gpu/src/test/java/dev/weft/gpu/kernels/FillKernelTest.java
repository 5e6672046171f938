package dev.weft.gpu.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.DType;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import dev.weft.spi.fill.StreamFill;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The names of the kernels and the committed PTX, where there is no compiler for it. */
class FillKernelTest {
  /** The line of fill.ptx that ends with {@link #sourcesHash}. */
  static final String SOURCES = "// SHA-256 of the sources without comments and blanks: ";

  private static final Path FOLDER = Path.of("src/main/resources/dev/weft/gpu/kernels");

  @Test
  void thePtxHasEveryKernelAndEndsWithZero() {
    byte[] ptx = FillKernel.ptx();
    assertThat(ptx[ptx.length - 1]).isZero();
    String text = new String(ptx, StandardCharsets.US_ASCII);
    assertThat(text.lines()).contains(".version 7.0", ".target sm_80");
    for (FillKernel kernel : FillKernel.values()) {
      assertThat(text).contains(".entry " + kernel.symbol() + "(");
    }
    assertThat(text.split("\\.entry ", -1)).hasSize(FillKernel.values().length + 1);
  }

  /** FillPtxTest compares them by compiling; this holds in a build without the compiler. */
  @Test
  void thePtxIsThatOfTheSources() throws IOException {
    String text = new String(FillKernel.ptx(), StandardCharsets.US_ASCII);
    assertThat(text.lines())
        .as("fill.ptx is older than its sources: run kernel-gpu/make-ptx")
        .contains(SOURCES + sourcesHash());
  }

  @Test
  void kernelsAreNamedByKindAndType() {
    RandomKey key = RandomKey.of(1);
    for (DType dtype : DType.values()) {
      assertThat(FillKernel.of(StreamFill.bits(dtype, key)).symbol())
          .isEqualTo("weft_bits_" + dtype.id());
      assertThat(FillKernel.of(StreamFill.of(Fill.uniform(0, 1), dtype, key)).symbol())
          .isEqualTo("weft_uniform_" + dtype.id());
      assertThat(FillKernel.of(StreamFill.of(Fill.normal(0, 1), dtype, key)).symbol())
          .isEqualTo("weft_normal_" + dtype.id());
      Fill cut = Fill.truncatedNormalSigma(0, 1, -2, 2);
      assertThat(FillKernel.of(StreamFill.of(cut, dtype, key)).symbol())
          .isEqualTo("weft_truncated_normal_" + dtype.id());
      int bytes = dtype.byteSize();
      assertThat(FillKernel.of(FillKernel.CONSTANT_2, bytes).symbol())
          .isEqualTo("weft_constant_" + bytes);
      assertThat(FillKernel.of(FillKernel.SPARSE_ZEROS_2, bytes).symbol())
          .isEqualTo("weft_sparse_zeros_" + bytes);
    }
  }

  /** Of fill.cu and its headers, in the order of their names. */
  static String sourcesHash() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      List<Path> sources =
          files.filter(file -> file.toString().matches(".*\\.cuh?")).sorted().toList();
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (Path source : sources) {
        String code = Files.readString(source).replaceAll("//.*", "").replaceAll("\\s+", "");
        digest.update(code.getBytes(StandardCharsets.UTF_8));
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
