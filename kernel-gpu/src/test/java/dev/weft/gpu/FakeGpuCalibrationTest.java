package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Calibration;
import dev.weft.DType;
import dev.weft.Plan;
import dev.weft.Weft;
import dev.weft.Work;
import dev.weft.init.Fill;
import dev.weft.testkit.gpu.FakeDriver;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A calibration where a stand-in for the driver is the device: its times mean nothing. */
@Tag("big")
class FakeGpuCalibrationTest {
  @Test
  void devicesAreMeasuredOnceAndCopy() {
    FakeDriver driver = FakeDriver.load();
    System.setProperty(Weft.CALIBRATION_PROPERTY, "off");
    Calibration calibration = Weft.calibrate();
    assertThat(calibration.backends()).containsExactlyInAnyOrder("cpu", "gpu", "scalar");
    Plan plan = calibration.plan(Work.fill(Fill.normal(0, 1), DType.F32, 1_000_000));
    assertThat(plan.estimates())
        .allSatisfy(
            each -> {
              assertThat(each.residentSeconds()).isPositive().isFinite();
              if (each.backend().equals("gpu")) {
                assertThat(each.transferSeconds()).isPositive().isFinite();
              } else {
                assertThat(each.transferSeconds()).isZero();
              }
            });
    assertThat(driver.held()).isEmpty();
  }
}
