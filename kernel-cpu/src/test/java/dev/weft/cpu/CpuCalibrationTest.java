package dev.weft.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.Backend;
import dev.weft.Calibration;
import dev.weft.DType;
import dev.weft.Plan;
import dev.weft.Weft;
import dev.weft.Work;
import dev.weft.init.Fill;
import dev.weft.testkit.LogCapture;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A calibration of this machine, as it is. */
@Tag("big")
class CpuCalibrationTest {
  private static Calibration calibration;
  private static Optional<Calibration> found;
  private static List<String> log;

  @BeforeAll
  static void calibrate() {
    System.setProperty(Weft.CALIBRATION_PROPERTY, "off");
    try (LogCapture capture = LogCapture.of("dev.weft")) {
      calibration = Weft.calibrate();
      found = Weft.calibration();
      log = capture.lines();
    }
  }

  @Test
  void endsInTime() {
    assertThat(calibration.seconds())
        .isPositive()
        .isLessThan(Weft.CALIBRATION_SECONDS * calibration.backends().size());
    assertThat(calibration.backends()).containsExactly("cpu", "scalar");
    if (calibration.contradictions().isEmpty()) {
      assertThat(found).containsSame(calibration);
    } else {
      assertThat(found).isEmpty();
      assertThat(log).anySatisfy(line -> assertThat(line).contains("is not kept"));
    }
  }

  @Test
  void estimatesArePositiveAndFinite() {
    for (Work work :
        List.of(
            Work.fill(Fill.constant(0), DType.F32, 1_000_000),
            Work.fill(Fill.uniform(0, 1), DType.F64, 1_000_000),
            Work.fill(Fill.normal(0, 1), DType.BF16, 1_000_000),
            Work.gemm(DType.F32, 1024, 1024, 1024),
            Work.gemm(DType.F64, 1, 1024, 1024),
            Work.denseForward(DType.F32, 128, 784, 128),
            Work.denseBackward(DType.F64, 128, 784, 128),
            Work.trainStep(DType.F32, 32, 784, 256, 10))) {
      assertThat(calibration.plan(work).estimates())
          .hasSize(2)
          .allSatisfy(
              each -> {
                assertThat(each.residentSeconds()).isPositive().isLessThan(100);
                assertThat(each.transferSeconds()).isZero(); // its memory is the host's
                assertThat(each.hasRoom()).isTrue();
              });
    }
  }

  /** Vectors multiply several times as fast. */
  @Test
  void largeProductsAreTheVectors() {
    assumeTrue(VectorProbe.get().bits() > 0, VectorProbe.get().reason());
    assumeTrue(calibration.contradictions().isEmpty(), "this machine was busy: " + log);
    Plan plan = calibration.plan(Work.gemm(DType.F32, 2048, 2048, 2048));
    assertThat(plan.chosen()).isEqualTo("cpu");
    assertThat(plan.estimates().getFirst().residentSeconds())
        .isLessThan(plan.estimates().getLast().residentSeconds());
  }

  /** Whatever the figures are worth then: nothing that is chosen follows from wrong ones. */
  @Test
  void scalarIsNeverChosenUnderLoad() throws IOException {
    assumeTrue(VectorProbe.get().bits() > 0, VectorProbe.get().reason());
    List<Process> others = new ArrayList<>();
    try (LogCapture capture = LogCapture.of("dev.weft")) {
      for (int i = 0; i < 6; i++) {
        others.add(busyProcess());
      }
      Calibration busy = Weft.calibrate();
      Work product = Work.gemm(DType.F32, 1024, 1024, 1024);
      assertThat(busy.plan(product).chosen()).as(busy.explain()).isEqualTo("cpu");
      assertThat(Weft.plan(product).chosen()).isEqualTo("cpu");
      try (Backend backend = Weft.open(product)) {
        assertThat(backend.info().name()).isEqualTo("cpu");
      }
      assertThat(busy.seconds()).isLessThan(Weft.CALIBRATION_SECONDS * busy.backends().size());
      assertThat(capture.lines()).hasSize(busy.contradictions().isEmpty() ? 0 : 1);
    } finally {
      others.forEach(Process::destroyForcibly);
    }
  }

  private static Process busyProcess() throws IOException {
    return new ProcessBuilder("sh", "-c", "while :; do :; done").start();
  }
}
