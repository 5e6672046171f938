package dev.weft.gpu;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.Weft;
import dev.weft.testkit.gpu.FakeCurand;
import dev.weft.testkit.gpu.FakeDriver;
import org.junit.jupiter.api.Tag;

/**
 * Fills of cuRAND's words through JCurand, over stand-ins for cuRAND and the driver. Slow: every
 * fill once more, from words that {@link CurandFaultsTest} compares, too.
 */
@Tag("slow")
class FakeCurandTest extends CurandContract {
  @Override
  protected Backend open(BackendOptions options) {
    FakeDriver.load();
    FakeCurand.load();
    return withCurand(() -> Weft.open("gpu", options));
  }
}
