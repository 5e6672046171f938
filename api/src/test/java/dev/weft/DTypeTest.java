package dev.weft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DTypeTest {
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void everyValueOfASixteenBitTypeIsItsOwnNeighbourhood(DType type) {
    double[] values = values(type);
    for (int i = 0; i < values.length; i++) {
      double v = values[i];
      assertThat(type.nearest(v)).isEqualTo(v);
      assertThat(type.ceil(v)).isEqualTo(v);
      assertThat(type.floor(v)).isEqualTo(v);
      if (i > 0) {
        double before = values[i - 1];
        double middle = (before + v) / 2; // exact
        assertThat(type.below(v)).isEqualTo(before);
        assertThat(type.below(Math.nextUp(before))).isEqualTo(before);
        assertThat(type.ceil(Math.nextUp(before))).isEqualTo(v);
        assertThat(type.ceil(middle)).isEqualTo(v);
        assertThat(type.floor(middle)).isEqualTo(before);
        assertThat(type.floor(Math.nextDown(v))).isEqualTo(before);
        assertThat(type.nearest(Math.nextDown(middle))).isEqualTo(before);
        assertThat(type.nearest(Math.nextUp(middle))).isEqualTo(v);
        assertThat(type.nearest(middle) + 0.0).isIn(before, v); // no -0
      }
    }
    assertThat(values[values.length - 1]).isEqualTo(type.maxValue());
    assertThat(type.ceil(Math.nextUp(type.maxValue()))).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(type.floor(-Double.MAX_VALUE)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(type.ceil(-Double.MAX_VALUE)).isEqualTo(-type.maxValue());
    assertThat(type.below(Double.MAX_VALUE)).isEqualTo(type.maxValue());
  }

  @Test
  void nearestF16IsTheJdks() {
    SplittableRandom random = new SplittableRandom(5);
    for (int i = 0; i < 2_000_000; i++) {
      float f = Float.intBitsToFloat(random.nextInt());
      if (!Float.isNaN(f)) {
        float expected = Float.float16ToFloat(Float.floatToFloat16(f));
        if ((float) DType.F16.nearest(f) != expected) {
          assertThat((float) DType.F16.nearest(f)).as("%a", f).isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void nearestF32IsTheCast() {
    SplittableRandom random = new SplittableRandom(6);
    for (int i = 0; i < 2_000_000; i++) {
      double d = Double.longBitsToDouble(random.nextLong());
      if (i % 2 == 0) { // most of the others are outside the range of floats
        d = Float.intBitsToFloat(random.nextInt()) * (1 + (random.nextInt(17) - 8) * 0x1p-25);
      }
      if (!Double.isNaN(d) && DType.F32.nearest(d) != (float) d) {
        assertThat(DType.F32.nearest(d)).as("%a", d).isEqualTo((float) d);
      }
    }
  }

  @Test
  void f32AndF64NeighboursAreTheJdks() {
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 200_000; i++) {
      float f = Float.intBitsToFloat(random.nextInt());
      if (Float.isFinite(f)) {
        assertThat(DType.F32.below(f)).isEqualTo(Math.nextDown(f));
        assertThat(DType.F32.ceil(Math.nextUp((double) f))).isEqualTo(Math.nextUp(f));
      }
      double d = Double.longBitsToDouble(random.nextLong());
      if (Double.isFinite(d)) {
        assertThat(DType.F64.below(d)).isEqualTo(Math.nextDown(d));
        assertThat(DType.F64.ceil(d)).isEqualTo(d);
        assertThat(DType.F64.floor(d)).isEqualTo(d);
      }
    }
    assertThat(DType.F32.below(0)).isEqualTo(-Float.MIN_VALUE);
    assertThat(DType.F32.ceil(0x1p-200)).isEqualTo(Float.MIN_VALUE);
    assertThat(DType.F32.ceil(-0x1p-200)).isZero();
  }

  @Test
  void notNumbersAndZerosPass() {
    for (DType type : DType.values()) {
      assertThat(type.nearest(Double.NaN)).isNaN();
      assertThat(type.nearest(Double.POSITIVE_INFINITY)).isEqualTo(Double.POSITIVE_INFINITY);
      assertThat(1 / type.nearest(-0.0)).isEqualTo(Double.NEGATIVE_INFINITY);
    }
  }

  @Test
  void idsRoundTrip() {
    for (DType type : DType.values()) {
      assertThat(DType.parse(type.id())).isEqualTo(type);
    }
    assertThatThrownBy(() -> DType.parse("F32"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("dtype: need one of f32, f64, f16, bf16, got dtype=F32");
  }

  @Test
  void byteSizeIsExact() {
    assertThat(DType.F64.byteSize(1L << 59)).isEqualTo(1L << 62);
    assertThat(DType.F16.byteSize(3)).isEqualTo(6);
    assertThatThrownBy(() -> DType.F64.byteSize(1L << 60))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "byteSize: need count * dtype bytes < 2^63, got count=1152921504606846976, dtype=f64");
  }

  /** Every finite value of a 16-bit type in order, zero once. */
  private static double[] values(DType type) {
    TreeSet<Double> values = new TreeSet<>();
    for (int bits = 0; bits < 1 << 16; bits++) {
      float f =
          type == DType.F16 ? Float.float16ToFloat((short) bits) : Float.intBitsToFloat(bits << 16);
      if (Float.isFinite(f)) {
        values.add(f == 0 ? 0.0 : f);
      }
    }
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
