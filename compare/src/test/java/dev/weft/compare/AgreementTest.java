package dev.weft.compare;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.Precision;
import dev.weft.Weft;
import dev.weft.testkit.gpu.FakeCublas;
import dev.weft.testkit.gpu.FakeDriver;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** All techniques agree, and what does not is seen. */
class AgreementTest {
  private static final FillAgreement FILLS = FillAgreement.of(1000);

  private static List<FillAgreement.Mismatch> mismatches(List<Technique> techniques) {
    return FILLS.run(techniques, done -> {});
  }

  @Test
  void techniquesAgree() {
    List<Technique> techniques = Technique.all((name, reason) -> {});
    try {
      assertThat(techniques.getFirst().name()).isEqualTo("scalar × 1");
      List<FillAgreement.Mismatch> found = mismatches(techniques);
      assertThat(found).isEmpty();
      assertThat(FILLS.agreements(techniques, found))
          .hasSizeGreaterThan(30)
          .allMatch(Agreement::equalBits)
          .allMatch(it -> it.cases() > 0);
      assertThat(LayerAgreement.of(techniques, done -> {}))
          .hasSize(LayerAgreement.operations().size() * (techniques.size() - 1))
          .allMatch(it -> it.equalBits() || it.technique().startsWith("gpu") && it.holds());
      assertThat(LayerAgreement.operations()).hasSizeGreaterThan(30).contains("training f64");
    } finally {
      techniques.forEach(Technique::close);
    }
  }

  @Test
  void oneWrongBitIsFound() { // the negative control
    List<Technique> techniques = Technique.all((name, reason) -> {});
    try {
      Technique good = techniques.getFirst();
      Technique broken =
          new Technique(
              "broken",
              "broken",
              1,
              (fill, key, dtype, region, out) -> {
                good.filler().fill(fill, key, dtype, region, out);
                if (region.shape().elements() == 1000 && dtype.byteSize() == 4) {
                  long at = 4 * 617 + 1;
                  byte b = out.get(ValueLayout.JAVA_BYTE, at);
                  out.set(ValueLayout.JAVA_BYTE, at, (byte) (b ^ 0x10));
                }
              },
              good.backend(),
              () -> {});
      List<FillAgreement.Mismatch> found = mismatches(List.of(good, broken));
      assertThat(found).hasSize(11); // 5 streams in 2 orders and a constant, whole
      assertThat(found).allMatch(it -> it.element() == 617 && it.technique().equals("broken"));
      assertThat(found.getFirst().toString()).contains("broken differs in bits f32", "element 617");
      List<Agreement> agreements = FILLS.agreements(List.of(good, broken), found);
      assertThat(agreements.stream().filter(it -> !it.holds())).hasSize(6);
    } finally {
      techniques.forEach(Technique::close);
    }
  }

  @Test
  void writingPastTheEndIsFound() { // the guard band sees it, and the poison what was not written
    List<Technique> techniques = Technique.all((name, reason) -> {});
    try {
      Technique good = techniques.getFirst();
      Technique lazy =
          new Technique(
              "lazy", "lazy", 1, (fill, key, dtype, region, out) -> {}, good.backend(), () -> {});
      assertThat(mismatches(List.of(good, lazy))).hasSizeGreaterThan(100);
    } finally {
      techniques.forEach(Technique::close);
    }
  }

  private static Agreement compare(boolean onDevice, LayerAgreement.Result should, double... is) {
    return LayerAgreement.compare(
        "dense f32",
        "technique",
        onDevice,
        Map.of("y", should),
        Map.of("y", new LayerAgreement.Result(is, null, false)));
  }

  @Test
  void oneWrongBitOfALayerIsFound() { // the negative control
    LayerAgreement.Result bits =
        new LayerAgreement.Result(new double[] {1, Double.NaN, 0}, null, false);
    for (boolean onDevice : new boolean[] {false, true}) {
      assertThat(compare(onDevice, bits, 1, Double.NaN, 0).equalBits()).isTrue();
      Agreement wrong = compare(onDevice, bits, 1, Double.NaN, -0.0);
      assertThat(wrong.holds()).isFalse();
      assertThat(wrong.detail()).isEqualTo("y[2]: expected 0.0, got -0.0");
    }
  }

  @Test
  void boundsHoldOnADeviceAlone() {
    LayerAgreement.Result bounded =
        new LayerAgreement.Result(new double[] {1, 2}, () -> new double[] {0.5, 0.25}, false);

    Agreement within = compare(true, bounded, 1.1, 2.125);
    assertThat(within.holds()).isTrue();
    assertThat(within.equalBits()).isFalse();
    assertThat(within.errorOverBound()).isEqualTo(0.5);
    assertThat(compare(false, bounded, 1.1, 2.125).holds()).isFalse();
    assertThat(compare(true, bounded, 1.1, 2.5).errorOverBound()).isEqualTo(2);
    assertThat(compare(true, bounded, 1, Double.NaN).holds()).isFalse();
    assertThat(compare(true, bounded, 1, Double.POSITIVE_INFINITY).holds()).isFalse();

    LayerAgreement.Result norm =
        new LayerAgreement.Result(new double[] {3, 4}, () -> new double[] {0.5}, true);
    assertThat(compare(true, norm, 3, 5).errorOverBound()).isEqualTo(0.4);
    assertThat(compare(true, norm, 3, Double.NaN).holds()).isFalse();
  }

  /** A stand-in for cuBLAS sums in another order; rounded operands are more than that. */
  @Test
  void aDeviceIsWithinItsBoundsUnlessItRounds() {
    FakeDriver.load();
    FakeCublas.load();
    try (Backend scalar = Weft.open("scalar");
        Backend gpu = Weft.open("gpu");
        Backend rounding = Weft.open("gpu", BackendOptions.DEFAULT.withPrecision(Precision.TF32))) {
      List<Technique> techniques =
          List.of(technique("scalar", scalar), technique("gpu", gpu), technique("tf32", rounding));

      List<String> operations =
          List.of(
              "gemm f32",
              "gemm f64",
              "dense relu f32",
              "dense gelu f32",
              "dense softmax f64",
              "loss softmax f32",
              "training f32",
              "training f64");
      List<Agreement> agreements = LayerAgreement.of(techniques, operations, done -> {});

      assertThat(agreements).hasSize(2 * operations.size());
      assertThat(agreements.stream().filter(it -> it.technique().equals("gpu")))
          .allMatch(Agreement::holds)
          .anyMatch(it -> !it.equalBits() && it.errorOverBound() > 0)
          .anyMatch(it -> it.equalBits() && it.operation().startsWith("loss"));
      assertThat(agreements.stream().filter(it -> it.technique().equals("tf32")))
          .filteredOn(it -> it.dtype().equals("f32") && !it.operation().startsWith("loss"))
          .noneMatch(Agreement::holds);
    }
  }

  private static Technique technique(String name, Backend backend) {
    return new Technique(
        name, name, 1, (fill, key, dtype, region, out) -> {}, backend, backend::close);
  }
}
