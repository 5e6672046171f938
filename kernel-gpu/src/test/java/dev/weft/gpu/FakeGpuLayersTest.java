package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.Weft;
import dev.weft.testkit.gpu.FakeDriver;
import org.junit.jupiter.api.AfterAll;

/**
 * {@link GpuLayerContracts} with weft's own products, where a stand-in for the driver runs the
 * kernels on the host.
 */
class FakeGpuLayersTest extends GpuLayerContracts {
  @Override
  Backend backend(BackendOptions options) {
    FakeDriver.load();
    return CurandContract.with(ProductPath.PROPERTY, "weft", () -> Weft.open("gpu", options));
  }

  @Override
  boolean productsAreOwn() {
    return true;
  }

  /** When every backend is closed, whatever became of its tensors. */
  @AfterAll
  static void nothingIsHeld() {
    assertThat(FakeDriver.load().held()).isEmpty();
  }
}
