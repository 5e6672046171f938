package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.BackendUnavailableException;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.Initializers;
import dev.weft.init.Layout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/**
 * Law 4: nothing fails silently. Bad input gets {@code <op>: <rule>, got <name>=<value>, …} before
 * the first byte is written.
 */
public abstract class ErrorContract extends BackendContract {
  private static final double NAN = Double.NaN;

  @Test
  void parametersThatAreNoNumbers() {
    bad(() -> Fill.uniform(NAN, 1), "uniform: need finite lo < hi and hi - lo, got lo=NaN, hi=1.0");
    bad(() -> Fill.normal(NAN, 1), "normal: need a finite mean, got mean=NaN");
    bad(() -> Fill.normal(0, NAN), "normal: need finite stddev >= 0, got stddev=NaN");
    bad(
        () -> Fill.truncatedNormalSigma(0, 1, NAN, 2),
        "truncated_normal: need lower < upper, got lower=NaN, upper=2.0");
    bad(
        () -> Fill.truncatedNormalBetween(0, NAN, -1, 1),
        "truncated_normal: need finite stddev > 0, got stddev=NaN");
    bad(() -> Initializers.heNormal(NAN), "he: need a finite negativeSlope, got negativeSlope=NaN");
    bad(() -> Fill.orthogonal(NAN, Layout.KERAS), "orthogonal: need a finite gain, got gain=NaN");
    bad(() -> Fill.identity(NAN), "identity: need a finite gain, got gain=NaN");
    bad(() -> Fill.sparse(NAN, 1), "sparse: need 0 <= sparsity <= 1, got sparsity=NaN");
  }

  @Test
  void aFillThatDoesNotSuitLeavesTheTensorAlone() {
    refused(
        Fill.normal(0, 1e5),
        DType.F16,
        Shape.of(2, 3),
        "normal: need |mean| + 6.77·stddev <= 65504.0, got mean=0.0, stddev=100000.0, dtype=f16");
    refused(
        Fill.constant(1e5),
        DType.F16,
        Shape.of(2, 3),
        "constant: need |value| <= 65504.0, got value=100000.0, dtype=f16");
    refused(
        Fill.uniform(1.0001, 1.0002),
        DType.BF16,
        Shape.of(2, 3),
        "uniform: need a bf16 value in [lo, hi), got lo=1.0001, hi=1.0002");
    refused(Fill.identity(1), DType.F32, Shape.of(6), "identity: need rank 2, got shape=[6]");
    refused(
        Fill.dirac(1, Layout.KERAS),
        DType.F32,
        Shape.of(2, 3),
        "dirac: need rank 3, 4 or 5, got shape=[2, 3]");
    refused(Fill.sparse(0.5, 1), DType.F32, Shape.of(6), "sparse: need rank 2, got shape=[6]");
    refused(
        Fill.orthogonal(1, Layout.TORCH),
        DType.F32,
        Shape.of(6),
        "orthogonal: need rank >= 2, got shape=[6]");
    refused(
        Fill.deltaOrthogonal(1, Layout.KERAS),
        DType.F32,
        Shape.of(1, 3, 2),
        "delta_orthogonal: need out >= in, got in=3, out=2, shape=[1, 3, 2], layout=keras");
  }

  private void refused(Fill fill, DType dtype, Shape shape, String message) {
    byte[] memory = new byte[(int) dtype.byteSize(shape.elements())];
    Arrays.fill(memory, (byte) 0x5A);
    try (Tensor tensor = backend().wrap(MemorySegment.ofArray(memory), dtype, shape)) {
      bad(() -> tensor.fill(fill, KEY), message);
    }
    assertThat(memory).containsOnly(0x5A);
  }

  @Test
  void memoryThatDoesNotSuit() {
    bad(
        () -> backend().wrap(new float[5], Shape.of(2, 3)),
        "wrap: need at least as many bytes as the shape, got bytes=20, needed=24, shape=[2, 3],"
            + " dtype=f32");
    assertThatThrownBy(
            () ->
                backend()
                    .wrap(
                        MemorySegment.ofArray(new int[6]).asReadOnly(), DType.F32, Shape.of(2, 3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("wrap: need a writable segment, got segment=");
    bad(
        () -> backend().wrap(new short[4], DType.F64, Shape.of(1)),
        "wrap: need a 16-bit dtype over short[], got dtype=f64");
  }

  @Test
  void sizesBeyondLong() {
    bad(
        () -> Shape.of(1L << 32, 1L << 32),
        "shape: need an element count < 2^63, got shape=[4294967296, 4294967296]");
    bad(
        () -> backend().tensor(DType.F64, Shape.of(1L << 61)),
        "byteSize: need count * dtype bytes < 2^63, got count=2305843009213693952, dtype=f64");
  }

  @Test
  void aRegionOfAnotherSize() {
    try (Tensor tensor = backend().wrap(new float[6], Shape.of(2, 3))) {
      bad(
          () -> tensor.fill(Fill.bits(), KEY, Region.of(Shape.of(100)).slice(0, 5)),
          "fill: need as many elements as the region, got tensor=[2, 3], region=[5]");
    }
  }

  @Test
  void aBackendThatIsNot() {
    assertThatThrownBy(() -> Weft.open("tpu"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageMatching("open: need one of auto, .*, got backend=tpu");
    assertThatThrownBy(() -> Weft.open("gpu:77"))
        .isInstanceOf(BackendUnavailableException.class)
        .hasMessageContaining("gpu:77");
  }

  @Test
  void aRefusedFillDoesNotKeepTheTensorBusy() {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(16);
      Tensor tensor = backend().wrap(memory, DType.F32, Shape.of(4));
      assertThatThrownBy(() -> tensor.fill(Fill.identity(1), KEY))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> tensor.fill(Fill.bits(), null))
          .isInstanceOf(NullPointerException.class);
      tensor.close();
    }
  }

  /** A part of what the probe of a backend opened with so many threads has found. */
  protected String detail(int threads) {
    return threads + " threads";
  }

  @Test
  void pointersThatDoNotSuit() {
    bad(
        () -> backend().wrap(0, DType.F32, Shape.of(4)),
        "wrap: need a pointer other than 0, got pointer=0x0, shape=[4]");
    bad(
        () -> backend().wrap(0x1002, DType.F32, Shape.of(4)),
        "wrap: need a multiple of the element's size, got pointer=0x1002, dtype=f32");
    try (Tensor own = backend().tensor(DType.F32, Shape.of(4))) {
      if (own.isHost()) {
        assertThatThrownBy(() -> backend().wrap(0x1000, DType.F32, Shape.of(4)))
            .isInstanceOf(UnsupportedOperationException.class)
            .hasMessageStartingWith("wrap: need a backend of a device for a pointer, got backend=");
        assertThatThrownBy(own::devicePointer)
            .isInstanceOf(UnsupportedOperationException.class)
            .hasMessageStartingWith(
                "devicePointer: need memory of a device, got tensor=Tensor f32");
      } else {
        assertThatThrownBy(own::segment).isInstanceOf(UnsupportedOperationException.class);
      }
    }
    try (Tensor mine = backend().wrap(new float[4], Shape.of(4))) {
      assertThat(mine.isHost()).isTrue();
      assertThatThrownBy(mine::devicePointer).isInstanceOf(UnsupportedOperationException.class);
    }
  }

  @Test
  void theBackendSaysWhatItIs() {
    try (Backend other = open(3)) {
      assertThat(other.info().probe().available()).isTrue();
      assertThat(other.info().probe().detail()).contains(detail(3));
      assertThat(Weft.explain()).contains(other.info().name() + ": available");
    }
  }

  private static void bad(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
  }
}
