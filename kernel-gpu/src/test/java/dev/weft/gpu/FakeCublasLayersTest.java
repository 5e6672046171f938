package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.Weft;
import dev.weft.testkit.gpu.FakeCublas;
import dev.weft.testkit.gpu.FakeDriver;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;

/** {@link GpuLayerContracts} with products of a stand-in for cuBLAS: a minute. */
@Tag("big")
class FakeCublasLayersTest extends GpuLayerContracts {
  @Override
  Backend backend(BackendOptions options) {
    FakeDriver.load();
    FakeCublas.load();
    return CurandContract.with(ProductPath.PROPERTY, "cublas", () -> Weft.open("gpu", options));
  }

  @Override
  boolean productsAreOwn() {
    return false;
  }

  /** When every backend is closed, whatever became of its tensors. */
  @AfterAll
  static void nothingIsHeld() {
    assertThat(FakeDriver.load().held()).isEmpty();
    assertThat(FakeCublas.load().held()).isZero();
  }
}
