package dev.weft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.init.Fill;
import dev.weft.init.Initializers;
import dev.weft.init.Layout;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The model with coefficients that are round numbers: what it estimates, and what it chooses. */
class PlanTest {
  private static final Fill NORMAL = Fill.normal(0, 1);

  /** 1 µs an operation, 10 GB/s, 1 G elements/s, 100 GFLOP/s. */
  static final BackendCosts CPU = costs("cpu", true, 1L << 40, 1e-6, 1e-10, 1e-9, 1e-11);

  /** 10 µs an operation, 1 TB/s, 100 G elements/s, 10 TFLOP/s; copies 20 µs and 10 GB/s. */
  static final BackendCosts GPU = costs("gpu", false, 1L << 34, 1e-5, 1e-12, 1e-11, 1e-13);

  private static final BackendCosts SCALAR =
      costs("scalar", true, 1L << 40, 1e-7, 1e-10, 1e-8, 1e-10);

  private static final Calibration ALL =
      new Calibration("key", Instant.EPOCH, 1, List.of(CPU, GPU, SCALAR));

  static BackendCosts costs(
      String name,
      boolean host,
      long limit,
      double overhead,
      double perByte,
      double perElement,
      double perFlop) {
    Map<Cost, Cost.Line> lines = new EnumMap<>(Cost.class);
    for (Cost cost : Cost.values()) {
      double perUnit =
          switch (cost) {
            case UNIFORM, NORMAL -> perElement;
            case GEMM_F32, GEMM_F64 -> perFlop;
            case SYNCHRONIZE, STORE, PASS, UPDATE, COPY_IN, COPY_OUT -> perByte;
          };
      if (!cost.isCopy()) {
        lines.put(cost, new Cost.Line(overhead, perUnit));
      } else if (!host) {
        lines.put(cost, new Cost.Line(20e-6, 1e-10));
      }
    }
    return new BackendCosts(name, host, limit, lines);
  }

  @Test
  void secondsAreOverheadsUnitsAndCopies() {
    Plan.Estimate cpu = CPU.estimate(Work.fill(NORMAL, DType.F32, 1000));
    assertThat(cpu.residentSeconds()).isCloseTo(1e-6 + 1e-6 + 1000e-9, within(1e-12));
    assertThat(cpu.transferSeconds()).isZero();
    Plan.Estimate gpu = GPU.estimate(Work.fill(NORMAL, DType.F32, 1000));
    assertThat(gpu.residentSeconds()).isCloseTo(1e-5 + 1e-5 + 1000e-11, within(1e-12));
    assertThat(gpu.transferSeconds()).isCloseTo(20e-6 + 4000e-10, within(1e-12));
    assertThat(gpu.seconds(Work.Operands.RESIDENT)).isEqualTo(gpu.residentSeconds());
    assertThat(gpu.seconds(Work.Operands.HOST))
        .isEqualTo(gpu.residentSeconds() + gpu.transferSeconds());
    Plan.Estimate product = CPU.estimate(Work.gemm(DType.F32, 100, 200, 300));
    assertThat(product.residentSeconds())
        .isCloseTo(2e-6 + 2.0 * 100 * 200 * 300 * 1e-11, within(1e-12));
  }

  /** One row times a matrix reads every byte of it for two operations. */
  @Test
  void thinProductsAreBoundByMemory() {
    double seconds = CPU.estimate(Work.gemm(DType.F32, 1, 10_000, 10_000)).residentSeconds();
    assertThat(seconds).isCloseTo(4e8 * 1e-10, within(1e-3)).isGreaterThan(2e8 * 1e-11 * 2);
  }

  @Test
  void elementsOfF64TakeTwoUnitsAndConstantsTheirBytes() {
    double f32 = SCALAR.estimate(Work.fill(NORMAL, DType.F32, 1 << 20)).residentSeconds();
    double f16 = SCALAR.estimate(Work.fill(NORMAL, DType.F16, 1 << 20)).residentSeconds();
    double f64 = SCALAR.estimate(Work.fill(NORMAL, DType.F64, 1 << 20)).residentSeconds();
    assertThat(f16).isEqualTo(f32);
    assertThat(f64).isCloseTo(2 * f32, within(1e-6));
    double zeros = CPU.estimate(Work.fill(Fill.constant(0), DType.F64, 1000)).residentSeconds();
    assertThat(zeros).isCloseTo(2e-6 + 8000e-10, within(1e-12));
  }

  /** A small product is the processor's, a large one the device's, and there is one crossover. */
  @Test
  void choiceCrossesOverOnce() {
    String last = "cpu";
    int changes = 0;
    StringBuilder order = new StringBuilder(last);
    for (long n = 1; n <= 8192; n *= 2) {
      String chosen = ALL.plan(Work.gemm(DType.F32, n, n, n)).chosen();
      if (!chosen.equals(last)) {
        changes++;
        order.append(' ').append(chosen);
        last = chosen;
      }
    }
    assertThat(order).hasToString("cpu gpu");
    assertThat(changes).isEqualTo(1);
  }

  /** Negative control: with the same coefficients for both there is no crossover. */
  @Test
  void equalBackendsNeverCrossOver() {
    BackendCosts twin = new BackendCosts("twin", true, CPU.limitBytes(), CPU.lines());
    Calibration twins = new Calibration("key", Instant.EPOCH, 1, List.of(CPU, twin));
    for (long n = 1; n <= 8192; n *= 2) {
      Plan plan = twins.plan(Work.gemm(DType.F32, n, n, n));
      assertThat(plan.chosen()).isEqualTo("cpu");
    }
  }

  /** A fill comes back at 10 GB/s, at which the processor writes it too. */
  @Test
  void transfersDecide() {
    Work fill = Work.fill(Fill.uniform(0, 1), DType.F32, 100_000);
    assertThat(ALL.plan(fill.resident()).chosen()).isEqualTo("gpu");
    Plan host = ALL.plan(Work.fill(Fill.constant(1), DType.F32, 100_000_000));
    assertThat(host.chosen()).isEqualTo("cpu");
    assertThat(ALL.plan(host.work().resident()).chosen()).isEqualTo("gpu");
    assertThat(host.estimates().get(1).transferSeconds()).isGreaterThan(0.03);
    Work train = Work.trainStep(DType.F32, 512, 4096, 4096, 10);
    assertThat(ALL.plan(train).chosen()).isEqualTo("gpu"); // only examples are copied
    assertThat(ALL.plan(Work.trainStep(DType.F32, 1, 4, 3)).chosen()).isEqualTo("cpu");
  }

  @Test
  void tiesAreTheRanks() {
    BackendCosts near = costs("near", true, 1L << 40, 0.95e-6, 0.95e-10, 0.95e-9, 0.95e-11);
    Calibration two = new Calibration("key", Instant.EPOCH, 1, List.of(CPU, near));
    Plan plan = two.plan(Work.gemm(DType.F32, 512, 512, 512));
    assertThat(plan.chosen()).isEqualTo("cpu");
    assertThat(plan.reason()).endsWith("; a tie, which the rank decides");
    BackendCosts faster = costs("faster", true, 1L << 40, 0.8e-6, 0.8e-10, 0.8e-9, 0.8e-11);
    Plan other =
        new Calibration("key", Instant.EPOCH, 1, List.of(CPU, faster))
            .plan(Work.gemm(DType.F32, 512, 512, 512));
    assertThat(other.chosen()).isEqualTo("faster");
    assertThat(other.reason()).doesNotContain("tie");
    Plan tiny = ALL.plan(Work.fill(NORMAL, DType.F32, 10)); // scalar would be 2 µs faster
    assertThat(tiny.chosen()).isEqualTo("cpu");
    assertThat(tiny.reason()).endsWith("; a tie, which the rank decides");
  }

  @Test
  void aDeviceWithoutRoomIsPassedOver() {
    BackendCosts small = new BackendCosts("gpu", false, 1 << 20, GPU.lines());
    Calibration two = new Calibration("key", Instant.EPOCH, 1, List.of(CPU, small));
    Work product = Work.gemm(DType.F32, 4096, 4096, 4096);
    assertThat(ALL.plan(product).chosen()).isEqualTo("gpu");
    assertThat(two.plan(product).chosen()).isEqualTo("cpu");
    assertThat(two.plan(product).reason()).contains("gpu has no room");
    assertThat(two.plan(product).explain()).contains("no room");
    Work fill = Work.fill(NORMAL, DType.F32, 1 << 30);
    assertThat(two.plan(fill).estimates().get(1).hasRoom()).isTrue(); // it goes in parts
    assertThat(two.plan(fill.resident()).chosen()).isEqualTo("cpu");
    Calibration none = new Calibration("key", Instant.EPOCH, 1, List.of(small));
    assertThat(none.plan(product).chosen()).isEqualTo("gpu");
    assertThat(none.plan(product).reason()).startsWith("no backend has room; ");
  }

  @Test
  void everyEstimateIsPositiveAndFinite() {
    for (Work work :
        List.of(
            Work.fill(NORMAL, DType.BF16, 0),
            Work.fill(NORMAL, DType.F64, Long.MAX_VALUE),
            Work.gemm(DType.F64, Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE),
            Work.gemm(DType.F64, 1, 1, 1),
            Work.denseForward(DType.F32, 1, 1, 1),
            Work.denseBackward(DType.F32, Long.MAX_VALUE, Long.MAX_VALUE, 1),
            Work.trainStep(DType.F32, Long.MAX_VALUE, 1, Long.MAX_VALUE))) {
      assertThat(ALL.plan(work).estimates())
          .allSatisfy(
              each -> {
                assertThat(each.residentSeconds()).isPositive().isFinite();
                assertThat(each.transferSeconds()).isNotNegative().isFinite();
              });
    }
  }

  @Test
  void backwardTakesTwoProductsAndForwardOne() {
    double forward =
        ALL.plan(Work.denseForward(DType.F32, 512, 512, 512))
            .estimates()
            .getFirst()
            .residentSeconds();
    double backward =
        ALL.plan(Work.denseBackward(DType.F32, 512, 512, 512))
            .estimates()
            .getFirst()
            .residentSeconds();
    assertThat(backward / forward).isBetween(1.8, 2.2);
  }

  @Test
  void explanationIsATable() {
    Plan plan = ALL.plan(Work.gemm(DType.F32, 1024, 256, 10));
    assertThat(plan.explain().lines())
        .containsExactly(
            "gemm f32 [1024, 10]·[10, 256], operands on the host",
            "                 resident    from host",
            "  cpu              112 µs       112 µs  chosen",
            "  gpu             21.1 µs       191 µs",
            "  scalar           524 µs       524 µs",
            "  cpu 112 µs, gpu 191 µs, scalar 524 µs");
    assertThat(plan)
        .hasToString(
            "gemm f32 [1024, 10]·[10, 256], operands on the host: cpu"
                + " (cpu 112 µs, gpu 191 µs, scalar 524 µs)");
    assertThat(ALL.explain())
        .startsWith("calibration of 1970-01-01T00:00:00Z: cpu, gpu, scalar\n")
        .contains("100 GFLOP/s", "none");
    assertThat(ALL.backends()).containsExactly("cpu", "gpu", "scalar");
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MIN_VALUE})
  void sizesHaveRanges(long bad) {
    assertThatThrownBy(() -> Work.gemm(DType.F32, bad, 2, 3))
        .hasMessage("work: need m, n, k >= 1, got m=" + bad + ", n=2, k=3");
    assertThatThrownBy(() -> Work.denseForward(DType.F32, 1, 2, bad))
        .hasMessage(
            "work: need batch, inputs, outputs >= 1, got batch=1, inputs=2, outputs=" + bad);
    assertThatThrownBy(() -> Work.denseBackward(DType.F32, bad, 2, 3))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Work.trainStep(DType.F32, 1, 4, bad))
        .hasMessage(
            "work: need batch >= 1 and two or more layers >= 1, got batch=1, layers=[4, "
                + bad
                + "]");
  }

  @Test
  void whatIsNotMeasuredIsRefused() {
    assertThatThrownBy(() -> Work.trainStep(DType.F32, 1, 4)).hasMessageContaining("layers=[4]");
    assertThatThrownBy(() -> Work.gemm(DType.F16, 1, 2, 3))
        .hasMessage("work: need f32 or f64, got dtype=f16");
    assertThatThrownBy(() -> Work.fill(NORMAL, DType.F32, -1))
        .hasMessage("work: need elements >= 0, got elements=-1");
    assertThatThrownBy(() -> Work.fill(Fill.orthogonal(1, Layout.KERAS), DType.F32, 4))
        .hasMessageStartingWith("work: need a fill whose cost is measured, got fill=Orthogonal");
    assertThatThrownBy(() -> Work.fill(Fill.custom((i, w) -> 0), DType.F32, 4))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void worksAreValues() {
    Work work = Work.fill(Initializers.heNormal(), DType.F32, Shape.of(3, 4));
    assertThat(work)
        .hasToString("fill truncated normal f32 [12], operands on the host")
        .isEqualTo(Work.fill(Initializers.heNormal(), DType.F32, Shape.of(12)))
        .hasSameHashCodeAs(Work.fill(Initializers.heNormal(), DType.F32, Shape.of(12)))
        .isNotEqualTo(work.resident());
    assertThat(work.operands()).isEqualTo(Work.Operands.HOST);
    assertThat(work.resident()).hasToString("fill truncated normal f32 [12], operands resident");
    assertThat(Work.trainStep(DType.F64, 32, 784, 128, 10))
        .hasToString("train step f64 batch 32, layers 784 → 128 → 10, operands on the host");
  }
}
