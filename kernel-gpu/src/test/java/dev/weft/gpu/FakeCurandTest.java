package dev.weft.gpu;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.Weft;
import dev.weft.testkit.gpu.FakeCurand;
import dev.weft.testkit.gpu.FakeDriver;

/** Fills of cuRAND's words through JCurand, over stand-ins for cuRAND and the driver. */
class FakeCurandTest extends CurandContract {
  @Override
  protected Backend open(BackendOptions options) {
    FakeDriver.load();
    FakeCurand.load();
    return withCurand(() -> Weft.open("gpu", options));
  }
}
