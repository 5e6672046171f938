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
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The names of the kernels and the committed PTX, where there is no compiler for it. */
class FillKernelTest {
  /** The line of a PTX that ends with {@link #sourcesHash}. */
  static final String SOURCES = "// SHA-256 of the sources without comments and blanks: ";

  private static final Path FOLDER = Path.of("src/main/resources/dev/weft/gpu/kernels");

  @ParameterizedTest
  @MethodSource("sources")
  void thePtxHasEveryKernelAndEndsWithZero(String source) {
    byte[] ptx = ptx(source);
    assertThat(ptx[ptx.length - 1]).isZero();
    String text = new String(ptx, StandardCharsets.US_ASCII);
    assertThat(text.lines()).contains(".version 7.0", ".target sm_80");
    List<String> symbols = symbols(source);
    for (String symbol : symbols) {
      assertThat(text).contains(".entry " + symbol + "(");
    }
    assertThat(text.split("\\.entry ", -1)).hasSize(symbols.size() + 1);
  }

  /** FillPtxTest compares them by compiling; this holds in a build without the compiler. */
  @ParameterizedTest
  @MethodSource("sources")
  void thePtxIsThatOfTheSources(String source) throws IOException {
    String text = new String(ptx(source), StandardCharsets.US_ASCII);
    assertThat(text.lines())
        .as("%s.ptx is older than its sources: run kernel-gpu/make-ptx", source)
        .contains(SOURCES + sourcesHash());
  }

  /** The names of the .cu files without their ending. */
  static Stream<String> sources() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      List<String> names = files.map(file -> file.getFileName().toString()).sorted().toList();
      return names.stream()
          .filter(name -> name.endsWith(".cu"))
          .map(name -> name.replace(".cu", ""));
    }
  }

  private static byte[] ptx(String source) {
    return switch (source) {
      case "fill" -> FillKernel.ptx();
      case "words" -> FillKernel.wordsPtx();
      case "orthogonal" -> OrthogonalKernel.ptx();
      default -> NnKernel.ptx(source);
    };
  }

  /** The names of the kernels that a source has. */
  static List<String> symbols(String source) {
    return switch (source) {
      case "fill", "words" ->
          Arrays.stream(FillKernel.values())
              .filter(kernel -> kernel.readsWords() == source.equals("words"))
              .map(FillKernel::symbol)
              .toList();
      case "orthogonal" ->
          Arrays.stream(OrthogonalKernel.values()).map(OrthogonalKernel::symbol).toList();
      default -> NnKernel.of(source).stream().map(NnKernel::symbol).toList();
    };
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
      assertThat(FillKernel.ofWords(StreamFill.of(cut, dtype, key)).symbol())
          .isEqualTo("weft_words_truncated_normal_" + dtype.id());
      int bytes = dtype.byteSize();
      assertThat(FillKernel.of(FillKernel.CONSTANT_2, bytes).symbol())
          .isEqualTo("weft_constant_" + bytes);
      assertThat(FillKernel.of(FillKernel.SPARSE_ZEROS_2, bytes).symbol())
          .isEqualTo("weft_sparse_zeros_" + bytes);
    }
  }

  /** Of every .cu and .cuh, in the order of their names. */
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
