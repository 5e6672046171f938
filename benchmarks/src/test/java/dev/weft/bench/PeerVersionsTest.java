package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.interop.FormatException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What libraries print of themselves, among all else that they print. */
class PeerVersionsTest {
  private static final String MKL =
      "MKL_VERBOSE oneMKL 2025 Update 3 Product build 20251007 for Intel(R) 64 architecture"
          + " Intel(R) Advanced Vector Extensions 2 (Intel(R) AVX2) with support for INT8, Lnx"
          + " 2.10GHz lp64 intel_thread";

  private static String answer(String version, String ran) {
    return PeerVersions.MARK + "{\"version\": \"" + version + "\", \"ran\": \"" + ran + "\"}";
  }

  private static PeerVersions.Word word(String... lines) throws FormatException {
    return PeerVersions.word("it", List.of(lines), 0);
  }

  @Test
  void aLibraryThatHasAFunctionSaysItself() throws FormatException {
    assertThat(word("BLIS is noisy", answer("BLIS 0.9.0", "skx"), "and later, too"))
        .isEqualTo(new PeerVersions.Word("BLIS 0.9.0", "skx"))
        .hasToString("BLIS 0.9.0, skx");
  }

  @Test
  void mklAndOnednnArePrinted() throws FormatException {
    assertThat(word(MKL, "MKL_VERBOSE SGEMM(N,N,64) 1us", answer("PyTorch 2", "")).ran())
        .isEqualTo("MKL for Intel(R) Advanced Vector Extensions 2 (Intel(R) AVX2)");
    assertThat(
            word(
                    "onednn_verbose,info,oneDNN v3.5.0 (commit N/A)",
                    "onednn_verbose,info,cpu,runtime:threadpool,nthr:1",
                    "onednn_verbose,info,cpu,isa:Intel AVX2",
                    answer("TensorFlow 2", ""))
                .ran())
        .isEqualTo("oneDNN v3.5.0, Intel AVX2");
    assertThat(word("nothing of interest", answer("It 1", ""))).hasToString("It 1");
  }

  @Test
  void aLibraryThatIsNotHereSaysWhy() {
    assertThatThrownBy(() -> word(PeerVersions.MARK + "{\"missing\": \"peer: need it\"}"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("peer: need it");
    assertThatThrownBy(
            () ->
                PeerVersions.word(
                    "blis", List.of("libblis: error: need a valid BLIS_ARCH_TYPE"), 134))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "peer: need a library that does not end its process, got library=blis, exit=134,"
                + " output=libblis: error: need a valid BLIS_ARCH_TYPE");
  }

  @Test
  void weftSaysItsVectors() {
    try (Backend backend = Backends.open("scalar", 1)) {
      assertThat(PeerVersions.ran(backend)).doesNotContain("thread").isNotBlank();
    }
  }
}
