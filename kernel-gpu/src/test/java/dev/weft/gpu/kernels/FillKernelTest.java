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
import org.junit.jupiter.params.provider.ValueSource;

/** The names of the kernels and the committed PTX, where there is no compiler for it. */
class FillKernelTest {
  /** The line of a PTX that ends with {@link #sourcesHash}. */
  static final String SOURCES = "// SHA-256 of the sources without comments and blanks: ";

  private static final Path FOLDER = Path.of("src/main/resources/dev/weft/gpu/kernels");

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fill.ptx",
        "words.ptx",
        "orthogonal.ptx",
        "layer.ptx",
        "training.ptx",
        "product.ptx"
      })
  void thePtxHasEveryKernelAndEndsWithZero(String file) {
    byte[] ptx = ptx(file);
    assertThat(ptx[ptx.length - 1]).isZero();
    String text = new String(ptx, StandardCharsets.US_ASCII);
    assertThat(text.lines()).contains(".version 7.0", ".target sm_80");
    List<String> symbols = symbols(file);
    for (String symbol : symbols) {
      assertThat(text).contains(".entry " + symbol + "(");
    }
    assertThat(text.split("\\.entry ", -1)).hasSize(symbols.size() + 1);
  }

  /** FillPtxTest compares them by compiling; this holds in a build without the compiler. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "fill.ptx",
        "words.ptx",
        "orthogonal.ptx",
        "layer.ptx",
        "training.ptx",
        "product.ptx"
      })
  void thePtxIsThatOfTheSources(String file) throws IOException {
    String text = new String(ptx(file), StandardCharsets.US_ASCII);
    assertThat(text.lines())
        .as("%s is older than its sources: run kernel-gpu/make-ptx", file)
        .contains(SOURCES + sourcesHash());
  }

  private static byte[] ptx(String file) {
    return switch (file) {
      case "fill.ptx" -> FillKernel.ptx();
      case "words.ptx" -> FillKernel.wordsPtx();
      case "orthogonal.ptx" -> OrthogonalKernel.ptx();
      default -> NnKernel.ptx(file.replace(".ptx", ""));
    };
  }

  /** The names of the kernels that a PTX has. */
  static List<String> symbols(String file) {
    if (file.equals("orthogonal.ptx")) {
      return Arrays.stream(OrthogonalKernel.values()).map(OrthogonalKernel::symbol).toList();
    }
    List<NnKernel> layers = NnKernel.of(file.replace(".ptx", ""));
    if (!layers.isEmpty()) {
      return layers.stream().map(NnKernel::symbol).toList();
    }
    return Arrays.stream(FillKernel.values())
        .filter(kernel -> kernel.readsWords() == file.equals("words.ptx"))
        .map(FillKernel::symbol)
        .toList();
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
