package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.DType;
import dev.weft.MemoryLimitException;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import dev.weft.testkit.Availability;
import dev.weft.testkit.contract.OrthogonalContract;
import dev.weft.testkit.contract.PeerMistakesContract;
import dev.weft.testkit.contract.SizeContract;
import dev.weft.testkit.contract.StatisticsContract;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The contracts on a GPU, with those that take too long where its kernels run on the host. */
@Tag("gpu")
class GpuTest extends GpuContracts {
  @Override
  Backend backend(BackendOptions options) {
    return Availability.open("gpu", "gpu", options);
  }

  /** Of a backend that was used and leaked a tensor, as the device itself counts it. */
  @Test
  void memoryIsBackAfterClose() {
    long before = freeBytes();
    Shape shape = Shape.of(256 << 20);
    Backend used = backend(BackendOptions.DEFAULT);
    used.tensor(DType.F32, shape).fill(Fill.normal(0, 1), RandomKey.of(7)); // 1 GiB, never closed
    try (Tensor mine = used.wrap(new float[16 << 20], Shape.of(16 << 20))) {
      mine.fill(Fill.normal(0, 1), RandomKey.of(7));
    }
    assertThat(freeBytes()).isLessThanOrEqualTo(before - DType.F32.byteSize(shape.elements()));
    used.close();
    assertThat(freeBytes()).isGreaterThan(before - (64L << 20)); // the driver keeps some
  }

  /** What the device has left beside one open backend: more is refused with that number. */
  private long freeBytes() {
    try (Backend fresh = backend(BackendOptions.DEFAULT)) {
      long all = fresh.memory().limitBytes(); // contexts hold some of it
      try (Tensor tensor = fresh.tensor(DType.F32, Shape.of(all / 4))) {
        throw new AssertionError("the device had room for all of its memory: " + tensor);
      } catch (MemoryLimitException e) {
        return e.freeBytes();
      }
    }
  }

  /** 2³⁰ elements of every kind of random fill, a slice at a time. */
  @ParameterizedTest
  @EnumSource
  @Tag("big")
  void aBillionElementsAreTheCpus(DType dtype) {
    Region whole = Region.of(Shape.of(1L << 30));
    Shape slice = Shape.of(1L << 26);
    RandomKey key = RandomKey.of(20261126);
    List<Fill> fills =
        List.of(
            Fill.bits(),
            Fill.uniform(-1, 1),
            Fill.normal(0, 1),
            Fill.truncatedNormalSigma(0, 1, -2, 2));
    try (Backend gpu = backend(BackendOptions.DEFAULT);
        Backend cpu = Weft.open("cpu");
        Tensor tensor = gpu.tensor(dtype, slice);
        Tensor expected = cpu.tensor(dtype, slice);
        Tensor actual = cpu.tensor(dtype, slice)) {
      for (Fill fill : fills) {
        for (long from = 0; from < 1L << 30; from += slice.elements()) {
          Region part = whole.slice(from, from + slice.elements());
          tensor.fill(fill, key, part);
          expected.fill(fill, key, part);
          tensor.copyTo(actual.segment());
          assertThat(actual.segment().mismatch(expected.segment()))
              .as("%s %s from %d", fill, dtype, from)
              .isEqualTo(-1);
        }
      }
    }
  }

  @Nested
  class OrthogonalOnTheDevice extends OrthogonalContract {
    /** The device's memory alone. */
    @Override
    protected boolean worksInItsOwnMemory() {
      return false;
    }

    @Override
    protected boolean hasTheCpusBits() {
      return false;
    }

    @Override
    protected Backend open(BackendOptions options) {
      return CurandContract.with(OrthogonalPath.PROPERTY, "device", () -> backend(options));
    }
  }

  @Nested
  class Sizes extends SizeContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class Statistics extends StatisticsContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }

  @Nested
  class PeerMistakes extends PeerMistakesContract {
    @Override
    protected Backend open(BackendOptions options) {
      return backend(options);
    }
  }
}
