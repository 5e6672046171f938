package dev.weft.init;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.DType;
import dev.weft.Shape;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class FillTest {
  private static final double NAN = Double.NaN;
  private static final double INF = Double.POSITIVE_INFINITY;
  private static final Shape ANY = Shape.of(4, 4);

  @Test
  void constantRefusesWhatTheTypeCannotHold() {
    Fill big = Fill.constant(65520); // rounds to infinity in f16
    refuses(
        () -> big.check(ANY, DType.F16),
        "constant: need |value| <= 65504.0, got value=65520.0, dtype=f16");
    accepts(big, ANY, DType.F32, DType.F64, DType.BF16);
    accepts(Fill.constant(65519.9), ANY, DType.values());
    accepts(Fill.constant(NAN), ANY, DType.values());
    accepts(Fill.constant(-INF), ANY, DType.values());
  }

  @Test
  void uniformNeedsAnInterval() {
    refuses(
        () -> Fill.uniform(1, 1), "uniform: need finite lo < hi and hi - lo, got lo=1.0, hi=1.0");
    refuses(() -> Fill.uniform(NAN, 1), "uniform: need finite lo < hi and hi - lo");
    refuses(() -> Fill.uniform(0, NAN), "uniform: need finite lo < hi and hi - lo");
    refuses(() -> Fill.uniform(0, INF), "uniform: need finite lo < hi and hi - lo");
    refuses(() -> Fill.uniform(2, 1), "uniform: need finite lo < hi and hi - lo");
    refuses(() -> Fill.uniform(-1e308, 1e308), "uniform: need finite lo < hi and hi - lo");
  }

  @Test
  void uniformNeedsAValueOfTheType() {
    Fill narrow = Fill.uniform(1.0001, 1.0002);
    accepts(narrow, ANY, DType.F32, DType.F64);
    refuses(
        () -> narrow.check(ANY, DType.F16),
        "uniform: need a f16 value in [lo, hi), got lo=1.0001, hi=1.0002");
    refuses(() -> narrow.check(ANY, DType.BF16), "uniform: need a bf16 value in [lo, hi)");
    Fill wide = Fill.uniform(-65505, 65505);
    refuses(() -> wide.check(ANY, DType.F16), "uniform: need lo, hi and hi - lo within ±65504.0");
    accepts(Fill.uniform(-65504, 65504), ANY, DType.values());
    refuses(
        () -> Fill.uniform(-3e38, 3e38).check(ANY, DType.F32),
        "uniform: need lo, hi and hi - lo within ±");
  }

  @Test
  void normalNeedsFiniteParameters() {
    refuses(() -> Fill.normal(NAN, 1), "normal: need a finite mean, got mean=NaN");
    refuses(() -> Fill.normal(INF, 1), "normal: need a finite mean, got mean=Infinity");
    refuses(() -> Fill.normal(0, NAN), "normal: need finite stddev >= 0, got stddev=NaN");
    refuses(() -> Fill.normal(0, -1e-9), "normal: need finite stddev >= 0, got stddev=-1.0E-9");
    refuses(() -> Fill.normal(0, INF), "normal: need finite stddev >= 0, got stddev=Infinity");
    accepts(Fill.normal(0, 0), ANY, DType.values());
  }

  @Test
  void normalMustFitTheType() {
    Fill wide = Fill.normal(0, 10_000);
    refuses(
        () -> wide.check(ANY, DType.F16),
        "normal: need |mean| + 6.77·stddev <= 65504.0, got mean=0.0, stddev=10000.0, dtype=f16");
    accepts(wide, ANY, DType.F32, DType.F64, DType.BF16);
    accepts(Fill.normal(0, 9_600), ANY, DType.values());
  }

  @Test
  void truncatedNormalNeedsBoundsThatDiffer() {
    refuses(
        () -> Fill.truncatedNormalSigma(0, 1, 2, 2),
        "truncated_normal: need lower < upper, got lower=2.0, upper=2.0");
    refuses(() -> Fill.truncatedNormalSigma(0, 1, NAN, 2), "truncated_normal: need lower < upper");
    refuses(() -> Fill.truncatedNormalSigma(NAN, 1, 0, 2), "truncated_normal: need a finite mean");
    for (double stddev : new double[] {0, -1, NAN, INF}) {
      refuses(
          () -> Fill.truncatedNormalBetween(0, stddev, -1, 1),
          "truncated_normal: need finite stddev > 0, got stddev=" + stddev);
    }
    refuses(
        () -> Fill.truncatedNormalSigma(0, 1, 38, INF),
        "truncated_normal: need bounds that differ and begin within ±37 stddev of the mean");
    refuses(
        () -> Fill.truncatedNormalBetween(5, 0.1, -1, 1),
        "truncated_normal: need bounds that differ and begin within ±37 stddev of the mean");
    accepts(Fill.truncatedNormalSigma(0, 1, -INF, INF), ANY, DType.values());
    accepts(Fill.truncatedNormalSigma(0, 1, 37, INF), ANY, DType.values());
  }

  @Test
  void truncatedNormalBoundsInEitherUnit() {
    Fill.TruncatedNormal sigma = (Fill.TruncatedNormal) Fill.truncatedNormalSigma(10, 2, -1, 3);
    assertThat(sigma.min()).isEqualTo(8);
    assertThat(sigma.max()).isEqualTo(16);
    Fill.TruncatedNormal absolute =
        (Fill.TruncatedNormal) Fill.truncatedNormalBetween(10, 2, 8, 16);
    assertThat(absolute.lowerSigma()).isEqualTo(-1);
    assertThat(absolute.upperSigma()).isEqualTo(3);
    assertThat(absolute.min()).isEqualTo(8);
  }

  @Test
  void truncatedNormalNeedsAValueOfTheType() {
    Fill narrow = Fill.truncatedNormalBetween(1, 1, 1.0001, 1.0002);
    refuses(
        () -> narrow.check(ANY, DType.F16),
        "truncated_normal: need a f16 value in [min, max], got min=1.0001, max=1.0002");
    accepts(narrow, ANY, DType.F32);
    refuses(
        () -> Fill.truncatedNormalSigma(0, 40_000, -2, 2).check(ANY, DType.F16),
        "truncated_normal: need values within ±65504.0");
    accepts(Fill.truncatedNormalBetween(0, 40_000, -100, 100), ANY, DType.F16);
  }

  @Test
  void parametersMustBeNumbersOfTheType() {
    refuses(
        () -> Fill.truncatedNormalSigma(0, 1e-46, -2, 2).check(ANY, DType.F32),
        "truncated_normal: need finite stddev > 0 in f32, got stddev=1.0E-46");
    refuses(
        () -> Fill.truncatedNormalSigma(0, 1e-46, -2, 2).check(ANY, DType.BF16),
        "truncated_normal: need finite stddev > 0 in f32, got stddev=1.0E-46");
    accepts(Fill.truncatedNormalSigma(0, 1e-46, -2, 2), ANY, DType.F64);
    refuses(
        () -> Fill.uniform(0, 1e6).check(ANY, DType.F16),
        "uniform: need lo, hi and hi - lo within ±65504.0, got lo=0.0, hi=1000000.0, dtype=f16");
    refuses(() -> Fill.normal(0, 1e4).check(ANY, DType.F16), "normal: need |mean| + 6.77·stddev");
    refuses(() -> Fill.normal(0, 1e39).check(ANY, DType.F32), "normal: need |mean| + 6.77·stddev");
    refuses(() -> Fill.sparse(0.5, 1e39).check(ANY, DType.BF16), "sparse: need |mean|");
    refuses(() -> Fill.constant(1e39).check(ANY, DType.F32), "constant: need |value| <= 3.40");
  }

  @Test
  void structuredFillsNeedTheirRank() {
    refuses(
        () -> Fill.identity(1).check(Shape.of(3), DType.F32),
        "identity: need rank 2, got shape=[3]");
    refuses(() -> Fill.identity(NAN), "identity: need a finite gain, got gain=NaN");
    refuses(
        () -> Fill.identity(1e5).check(ANY, DType.F16),
        "identity: need |gain| <= 65504.0, got gain=100000.0, dtype=f16");
    refuses(
        () -> Fill.dirac(1, Layout.KERAS).check(ANY, DType.F32),
        "dirac: need rank 3, 4 or 5, got shape=[4, 4]");
    refuses(() -> Fill.dirac(0, Layout.KERAS), "dirac: need groups >= 1, got groups=0");
    refuses(
        () -> Fill.dirac(4, Layout.TORCH).check(Shape.of(6, 4, 3), DType.F32),
        "dirac: need groups to divide the output channels, got groups=4, shape=[6, 4, 3],"
            + " layout=torch");
    refuses(
        () -> Fill.dirac(5, Layout.KERAS).check(Shape.of(5, 5, 6), DType.F32),
        "dirac: need groups to divide the output channels");
    refuses(
        () -> Fill.orthogonal(1, Layout.KERAS).check(Shape.of(3), DType.F32),
        "orthogonal: need rank >= 2, got shape=[3]");
    refuses(
        () -> Fill.orthogonal(1, Layout.KERAS).check(Shape.of(2, (1L << 28) + 1), DType.F32),
        "orthogonal: need rows, columns <= 268435456, got rows=2, columns=268435457");
    refuses(() -> Fill.orthogonal(INF, Layout.KERAS), "orthogonal: need a finite gain");
    refuses(
        () -> Fill.orthogonal(1e6, Layout.KERAS).check(ANY, DType.F16),
        "orthogonal: need |gain| <= 65504.0, got gain=1000000.0, dtype=f16");
    refuses(
        () -> Fill.deltaOrthogonal(1, Layout.KERAS).check(Shape.of(3, 5, 4), DType.F32),
        "delta_orthogonal: need out >= in, got in=5, out=4, shape=[3, 5, 4], layout=keras");
    refuses(
        () -> Fill.deltaOrthogonal(1, Layout.TORCH).check(Shape.of(4, 5, 3), DType.F32),
        "delta_orthogonal: need out >= in, got in=5, out=4");
    refuses(() -> Fill.deltaOrthogonal(NAN, Layout.TORCH), "delta_orthogonal: need a finite gain");
    refuses(() -> Fill.sparse(NAN, 1), "sparse: need 0 <= sparsity <= 1, got sparsity=NaN");
    refuses(() -> Fill.sparse(0.5, NAN), "sparse: need finite stddev >= 0, got stddev=NaN");
    refuses(
        () -> Fill.sparse(0.5, 1).check(Shape.of(2, 2, 2), DType.F32),
        "sparse: need rank 2, got shape=[2, 2, 2]");
    assertThatThrownBy(() -> Fill.custom(null)).isInstanceOf(NullPointerException.class);
  }

  @Test
  void orthogonalMatrixOfAShape() {
    Fill.Orthogonal keras = new Fill.Orthogonal(1, Layout.KERAS);
    Fill.Orthogonal torch = new Fill.Orthogonal(1, Layout.TORCH);
    Shape shape = Shape.of(2, 3, 4, 5);
    assertThat(keras.rows(shape)).isEqualTo(24);
    assertThat(keras.columns(shape)).isEqualTo(5);
    assertThat(torch.rows(shape)).isEqualTo(2);
    assertThat(torch.columns(shape)).isEqualTo(60);
    assertThat(torch.rows(Shape.of(0, 3))).isZero();
    assertThat(keras.columns(Shape.of(3, 0))).isZero();
  }

  @Test
  void sparseZerosAreTheCeiling() {
    Fill.Sparse fill = new Fill.Sparse(0.9, 1);
    assertThat(fill.zeros(10)).isEqualTo(9);
    assertThat(fill.zeros(11)).isEqualTo(10);
    assertThat(new Fill.Sparse(0, 1).zeros(7)).isZero();
    assertThat(new Fill.Sparse(1, 1).zeros(7)).isEqualTo(7);
    assertThat(new Fill.Sparse(1e-9, 1).zeros(7)).isEqualTo(1);
    assertThat(new Fill.Sparse(1, 1).zeros(Long.MAX_VALUE - 1)).isEqualTo(Long.MAX_VALUE - 1);
  }

  private static void accepts(Fill fill, Shape shape, DType... types) {
    for (DType type : types) {
      assertThatCode(() -> fill.check(shape, type))
          .as("%s %s", fill, type)
          .doesNotThrowAnyException();
    }
  }

  private static void refuses(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }
}
