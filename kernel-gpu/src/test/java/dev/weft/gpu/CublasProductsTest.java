package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Accuracy;
import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.BackendUnavailableException;
import dev.weft.DType;
import dev.weft.DeviceException;
import dev.weft.Matrix;
import dev.weft.Precision;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.testkit.Reference;
import dev.weft.testkit.Tensors;
import dev.weft.testkit.gpu.FakeCublas;
import dev.weft.testkit.gpu.FakeDriver;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What {@link GpuLayerContracts} do not ask of products on cuBLAS, by its stand-in. */
class CublasProductsTest {
  private static final int SIDE = 37; // of square matrices, which may be transposed

  private FakeDriver driver;
  private FakeCublas cublas;

  @BeforeEach
  void load() {
    driver = FakeDriver.load();
    cublas = FakeCublas.load();
  }

  @AfterEach
  void nothingIsHeld() {
    assertThat(driver.held()).isEmpty();
    assertThat(cublas.held()).isZero();
  }

  private static Backend open(BackendOptions options, String products) {
    return CurandContract.with(ProductPath.PROPERTY, products, () -> Weft.open("gpu", options));
  }

  /** Largest error of A·B over its bound in a precision, operands of f32. */
  private static double overBound(Backend backend, Precision bound) {
    SplittableRandom random = new SplittableRandom(9);
    try (Tensor a = backend.tensor(DType.F32, Shape.of(SIDE, SIDE));
        Tensor b = backend.tensor(DType.F32, Shape.of(SIDE, SIDE));
        Tensor c = backend.tensor(DType.F32, Shape.of(SIDE, SIDE))) {
      Tensors.random(a, random, 1);
      Tensors.random(b, random, 1);
      Tensors.poison(c);
      backend.gemm(1, Matrix.of(a), Matrix.of(b), 0, Matrix.of(c));
      double[][] left = Tensors.rows(a);
      double[][] right = Tensors.rows(b);
      double[][] out = Tensors.rows(c);
      double worst = 0;
      for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
          double error = Math.abs(out[i][j] - Reference.gemm(1, left, right, 0, 0, i, j));
          double size = Reference.gemmMagnitude(1, left, right, 0, 0, i, j);
          double allowed =
              bound == Precision.F32
                  ? Accuracy.gemm(DType.F32, SIDE, size)
                  : Accuracy.gemm(bound, SIDE, size);
          worst = Math.max(worst, error / allowed);
        }
      }
      return worst;
    }
  }

  /** A precision is used where it is allowed, keeps its bound, and is never used silently. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void precisionIsWhatWasAskedFor(Precision precision) {
    try (Backend backend = open(BackendOptions.DEFAULT.withPrecision(precision), "cublas")) {
      assertThat(overBound(backend, precision)).isLessThanOrEqualTo(1);
      if (precision != Precision.F32) {
        assertThat(overBound(backend, Precision.F32)).isGreaterThan(10);
      }
    }
    assertThat(cublas.calls("cublasGemmEx")).isPositive();
  }

  /** Large products, whose operands are rounded in memory first. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void largeProductsKeepThePrecisionToo(Precision precision) {
    CurandContract.with(
        ProductPath.NARROW_PROPERTY,
        "1",
        () -> {
          precisionIsWhatWasAskedFor(precision);
          return null;
        });
  }

  /** Weft's own kernel and products of f64 round nothing. */
  @Test
  void aPrecisionIsAPermission() {
    BackendOptions half = BackendOptions.DEFAULT.withPrecision(Precision.BF16);
    try (Backend backend = open(half, "weft")) {
      assertThat(overBound(backend, Precision.F32)).isLessThanOrEqualTo(1);
    }
    assertThat(cublas.calls("cublasGemmEx")).isZero();
    try (Backend backend = open(half, "cublas");
        Tensor a = backend.tensor(DType.F64, Shape.of(1, 1));
        Tensor c = backend.tensor(DType.F64, Shape.of(1, 1))) {
      Tensors.put(a, 1 + 0x1p-52);
      backend.gemm(1, Matrix.of(a), Matrix.of(a), 0, Matrix.of(c));
      assertThat(c.get(0)).isEqualTo(1 + 0x1p-51);
    }
  }

  /** The bounds see a product of a transpose, and one that was not made. */
  @Test
  void wrongCallsAreSeen() {
    try (Backend backend = open(BackendOptions.DEFAULT, "cublas")) {
      assertThat(overBound(backend, Precision.F32)).isLessThanOrEqualTo(1);
      cublas.fail("cublasGemmEx", 0, FakeCublas.FLIPPED);
      assertThat(overBound(backend, Precision.BF16)).isGreaterThan(10);
      cublas.fail("cublasGemmEx", 0, FakeCublas.IGNORED);
      assertThat(overBound(backend, Precision.F32)).isNaN();
    }
  }

  /** A status of cuBLAS is an exception, and the next product is right. */
  @Test
  void aFailedCallIsNamedAndLeavesNothing() {
    try (Backend backend = open(BackendOptions.DEFAULT, "cublas")) {
      overBound(backend, Precision.F32);
      long before = backend.memory().allocatedBytes();
      cublas.fail("cublasGemmEx", 0, 14);
      assertThatThrownBy(() -> overBound(backend, Precision.F32))
          .isInstanceOf(DeviceException.class)
          .hasMessageContaining("cublasGemmEx")
          .hasMessageContaining("INTERNAL_ERROR");
      FakeCublas.load();
      assertThat(overBound(backend, Precision.F32)).isLessThanOrEqualTo(1);
      assertThat(backend.memory().allocatedBytes()).isEqualTo(before);
    }
  }

  /** A handle that cuBLAS does not give is an error, and its workspace is given back. */
  @Test
  void aHandleThatIsNotGivenIsAnError() {
    try (Backend backend = open(BackendOptions.DEFAULT, "cublas")) {
      cublas.fail("cublasCreate", 0, 1);
      assertThatThrownBy(() -> overBound(backend, Precision.F32))
          .isInstanceOf(DeviceException.class)
          .hasMessageContaining("cublasCreate");
      FakeCublas.load();
      assertThat(overBound(backend, Precision.F32)).isLessThanOrEqualTo(1);
    }
  }

  @Test
  void anUnknownWayIsNamed() {
    assertThatThrownBy(() -> open(BackendOptions.DEFAULT, "mkl"))
        .isInstanceOf(BackendUnavailableException.class)
        .hasMessageContaining(
            "need weft.gpu.products in [auto, cublas, weft], got weft.gpu.products=mkl");
  }
}
