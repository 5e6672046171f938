package dev.weft.gpu;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.testkit.Availability;
import org.junit.jupiter.api.Tag;

/** {@link GpuLayerContracts} on a GPU, with cuBLAS. */
@Tag("gpu")
class GpuCublasLayersTest extends GpuLayerContracts {
  @Override
  Backend backend(BackendOptions options) {
    return CurandContract.with(
        ProductPath.PROPERTY, "cublas", () -> Availability.open("gpu", "gpu", options));
  }

  @Override
  boolean productsAreOwn() {
    return false;
  }
}
