package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.bench.PeerEnvironment.Width;
import dev.weft.compare.Setting;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Other libraries run in an environment that does not hold them back. */
class PeerEnvironmentTest {
  private static final Set<String> AVX512 =
      Set.of("avx2", "fma", "avx512f", "avx512dq", "avx512bw", "avx512vl");

  private static Map<String, String> applied(PeerEnvironment changes, Map<String, String> found) {
    Map<String, String> environment = new HashMap<>(found);
    changes.apply(environment);
    return environment;
  }

  @Test
  void whatHoldsALibraryBackIsRemovedAndSaid() {
    Map<String, String> found =
        Map.of(
            "OPENBLAS_CORETYPE", "Haswell",
            "OPENBLAS_L2_SIZE", "65536",
            "MKL_NUM_THREADS", "1",
            "DNNL_MAX_CPU_ISA", "SSE41",
            "BLIS_ARCH_TYPE", "13",
            "OMP_WAIT_POLICY", "passive",
            "PATH", "/bin",
            "OPENBLASES", "mine");

    PeerEnvironment changes = PeerEnvironment.of(found, AVX512, "GenuineIntel", Width.WIDEST);

    assertThat(applied(changes, found))
        .containsOnlyKeys("PATH", "OPENBLASES", "BLIS_ARCH_TYPE", PeerEnvironment.VARIABLE)
        .containsEntry("BLIS_ARCH_TYPE", "0");
    assertThat(changes.settings())
        .contains(
            new Setting("OPENBLAS_CORETYPE", "Haswell", "removed"),
            new Setting("BLIS_ARCH_TYPE", "13", "set to 0: skx, by the processor's features"))
        .hasSize(6);
    assertThat(changes.flags()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "GenuineIntel, true,  WIDEST, 0",
    "AuthenticAMD, true,  WIDEST, 0",
    "GenuineIntel, true,  AVX2,   3",
    "AuthenticAMD, true,  AVX2,   6",
    "GenuineIntel, false, WIDEST, 3",
    "AuthenticAMD, false, WIDEST, 6"
  })
  void blisIsToldWhatTheProcessorHas(String vendor, boolean avx512, Width width, String number) {
    Set<String> flags = avx512 ? AVX512 : Set.of("avx2", "fma");

    assertThat(applied(PeerEnvironment.of(Map.of(), flags, vendor, width), Map.of()))
        .containsEntry("BLIS_ARCH_TYPE", number);
  }

  @Test
  void anOldProcessorIsLeftToBlis() {
    assertThat(PeerEnvironment.of(Map.of(), Set.of("avx"), "GenuineIntel", Width.WIDEST).changes())
        .isEmpty();
  }

  @Test
  void everyLibraryIsHeldTo256BitsOnPurpose() {
    Map<String, String> found = Map.of("ONEDNN_MAX_CPU_ISA", "AVX512_CORE");

    PeerEnvironment changes = PeerEnvironment.of(found, AVX512, "GenuineIntel", Width.AVX2);

    assertThat(applied(changes, found))
        .containsEntry("OPENBLAS_CORETYPE", "Haswell")
        .containsEntry("MKL_ENABLE_INSTRUCTIONS", "AVX2")
        .containsEntry("DNNL_MAX_CPU_ISA", "AVX2")
        .containsEntry("ONEDNN_MAX_CPU_ISA", "AVX2")
        .containsEntry("ATEN_CPU_CAPABILITY", "avx2")
        .doesNotContainKey(PeerEnvironment.AVX2_FLAG);
    assertThat(changes.flags()).containsExactly(PeerEnvironment.AVX2_FLAG);
    assertThat(changes.settings())
        .allSatisfy(it -> assertThat(it.done()).containsAnyOf("256 bits", "haswell"));
  }

  @Test
  void theProcessThatIsStartedAgainKnowsWhatWasFound() {
    Map<String, String> found = Map.of("MKL_DEBUG", "a \"quote\", and\n=");
    PeerEnvironment changes = PeerEnvironment.of(found, AVX512, "AuthenticAMD", Width.AVX2);

    Map<String, String> environment = applied(changes, found);

    assertThat(PeerEnvironment.isApplied(found)).isFalse();
    assertThat(PeerEnvironment.isApplied(environment)).isTrue();
    assertThat(PeerEnvironment.inherited(environment)).isEqualTo(changes);
    assertThat(PeerEnvironment.inherited(found)).isEqualTo(new PeerEnvironment(List.of()));
    assertThatThrownBy(
            () -> PeerEnvironment.inherited(Map.of(PeerEnvironment.VARIABLE, "[[\"x\"]]")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(PeerEnvironment.VARIABLE + ": need what weft bench sets itself, got [[\"x\"]]");
  }
}
