package dev.weft.init;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.Shape;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InitializerSpecTest {
  private static final Shape SHAPE = Shape.of(3, 4, 6);

  @Test
  void everyNameHasADefault() {
    assertThat(InitializerSpec.names())
        .containsExactlyInAnyOrder(
            ("bits zeros ones constant uniform normal truncated_normal variance_scaling"
                    + " glorot_uniform glorot_normal he_uniform he_normal lecun_uniform"
                    + " lecun_normal torch_linear orthogonal delta_orthogonal identity dirac"
                    + " sparse")
                .split(" "));
    for (String name : InitializerSpec.names()) {
      InitializerSpec spec = InitializerSpec.parse(name);
      assertThat(spec).hasToString(name);
      assertThat(spec.initializer(Layout.KERAS).plan(SHAPE)).isNotNull();
      assertThat(spec.initializer(Layout.TORCH).plan(SHAPE)).isNotNull();
    }
  }

  @Test
  void defaultsAreThoseOfKeras() {
    plans("zeros", Fill.constant(0));
    plans("ones", Fill.constant(1));
    plans("bits", Fill.bits());
    plans("constant", Fill.constant(0));
    plans("uniform", Fill.uniform(-0.05, 0.05));
    plans("normal", Fill.normal(0, 0.05));
    plans("truncated_normal", Fill.truncatedNormalSigma(0, 0.05, -2, 2));
    plans("variance_scaling", Initializers.lecunNormal().plan(SHAPE));
    plans("glorot_uniform", Initializers.glorotUniform().plan(SHAPE));
    plans("glorot_normal", Initializers.glorotNormal().plan(SHAPE));
    plans("he_uniform", Initializers.heUniform().plan(SHAPE));
    plans("he_normal", Initializers.heNormal().plan(SHAPE));
    plans("lecun_uniform", Initializers.lecunUniform().plan(SHAPE));
    plans("lecun_normal", Initializers.lecunNormal().plan(SHAPE));
    plans("torch_linear", Initializers.torchLinear().plan(SHAPE));
    plans("orthogonal", Fill.orthogonal(1, Layout.KERAS));
    plans("delta_orthogonal", Fill.deltaOrthogonal(1, Layout.KERAS));
    plans("identity", Fill.identity(1));
    plans("dirac", Fill.dirac(1, Layout.KERAS));
    plans("sparse", Fill.sparse(0.9, 0.01));
  }

  @Test
  void keysReachTheFill() {
    plans("constant:value=-2.5", Fill.constant(-2.5));
    plans("constant:value=nan", Fill.constant(Double.NaN));
    plans("constant:value=-inf", Fill.constant(Double.NEGATIVE_INFINITY));
    plans("uniform:minval=-1,maxval=3e-1", Fill.uniform(-1, 0.3));
    plans("normal:stddev=2,mean=1", Fill.normal(1, 2));
    plans("truncated_normal:lower=0,upper=inf", Fill.truncatedNormalSigma(0, 0.05, 0, 1.0 / 0));
    plans("truncated_normal:stddev=1,min=-1", Fill.truncatedNormalBetween(0, 1, -1, 1.0 / 0));
    plans(
        "variance_scaling:scale=3,mode=fan_geo_avg,distribution=uniform",
        Initializers.varianceScaling(3, FanMode.FAN_GEO_AVG, Distribution.UNIFORM).plan(SHAPE));
    plans(
        "glorot_normal:semantics=torch,gain=2",
        Initializers.glorotNormal().withSemantics(Semantics.TORCH).withGain(2).plan(SHAPE));
    plans(
        "he_normal:semantics=torch,mode=fan_out,negative_slope=0.2",
        Initializers.heNormal(0.2)
            .withSemantics(Semantics.TORCH)
            .withMode(FanMode.FAN_OUT)
            .plan(SHAPE));
    plans("orthogonal:gain=1.5", Fill.orthogonal(1.5, Layout.KERAS));
    plans("dirac:groups=2", Fill.dirac(2, Layout.KERAS));
    plans("sparse:sparsity=0.5,stddev=1", Fill.sparse(0.5, 1));
  }

  @Test
  void layoutReachesTheFill() {
    for (String name : new String[] {"orthogonal", "delta_orthogonal", "dirac", "he_uniform"}) {
      InitializerSpec spec = InitializerSpec.parse(name);
      assertThat(spec.initializer(Layout.TORCH).plan(SHAPE))
          .isNotEqualTo(spec.initializer(Layout.KERAS).plan(SHAPE));
    }
    Fill linear = InitializerSpec.parse("torch_linear").initializer(Layout.TORCH).plan(SHAPE);
    assertThat(((Fill.Uniform) linear).hi()).isCloseTo(1 / Math.sqrt(24), within(1e-15));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "zeros",
        "uniform:minval=-1,maxval=1",
        "truncated_normal:mean=1,stddev=2,min=-3,max=5",
        "variance_scaling:scale=2,mode=fan_out,distribution=untruncated_normal",
        "dirac:groups=3"
      })
  void textRoundTrips(String text) {
    InitializerSpec spec = InitializerSpec.parse(text);
    assertThat(spec).hasToString(text);
    assertThat(InitializerSpec.parse(spec.toString())).isEqualTo(spec).hasSameHashCodeAs(spec);
    assertThat(InitializerSpec.of(spec.name(), spec.values())).isEqualTo(spec);
  }

  @Test
  void keysAreWrittenInTheirOwnOrder() {
    assertThat(InitializerSpec.parse("uniform: maxval = 1 , minval=0"))
        .hasToString("uniform:minval=0,maxval=1");
    assertThat(InitializerSpec.of("normal", Map.of("stddev", "2", "mean", "1")))
        .hasToString("normal:mean=1,stddev=2");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "he|init: need one of bits, zeros,",
        "''|init: need one of bits, zeros,",
        "zeros:|init: need name[:key=value,…], got init=zeros:",
        "uniform:minval|init: need name[:key=value,…], got init=uniform:minval",
        "uniform:=3|init: need name[:key=value,…], got init=uniform:=3",
        "uniform:minval=0,|init: need name[:key=value,…], got init=uniform:minval=0,",
        "uniform:minval=0,minval=1|init: need every key once, got init=uniform:minval=0,minval=1",
        "zeros:value=0|init: need keys of zeros: none, got key=value",
        "uniform:low=0|init: need keys of uniform: minval, maxval, got key=low",
        "constant:value=|init: need a number in decimal, inf, -inf or nan, got value=",
        "constant:value=x|init: need a number in decimal, inf, -inf or nan, got value=x",
        "constant:value=0.1f|init: need a number in decimal, inf, -inf or nan, got value=0.1f",
        "constant:value=1d|init: need a number in decimal",
        "constant:value=0x1p3|init: need a number in decimal",
        "constant:value=1_000|init: need a number in decimal",
        "constant:value=+5|init: need a number in decimal",
        "constant:value=NaN|init: need a number in decimal",
        "constant:value=Infinity|init: need a number in decimal",
        "constant:value=+inf|init: need a number in decimal",
        "constant:value=1e400|init: need a number in decimal",
        "constant:value=\u0663|init: need a number in decimal",
        "constant:value=\uff15|init: need a number in decimal",
        "dirac:groups=+1|init: need a whole number, got groups=+1",
        "dirac:groups=\u0661|init: need a whole number",
        "dirac:groups=4294967297|init: need a whole number",
        "dirac:groups=1.5|init: need a whole number, got groups=1.5",
        "dirac:groups=0|dirac: need groups >= 1, got groups=0",
        "uniform:minval=1,maxval=1|uniform: need finite lo < hi and hi - lo, got lo=1.0, hi=1.0",
        "normal:stddev=-1|normal: need finite stddev >= 0, got stddev=-1.0",
        "normal:mean=nan|normal: need a finite mean, got mean=NaN",
        "he_normal:mode=fan|init: need one of fan_in, fan_out, fan_avg, fan_geo_avg, got mode=fan",
        "he_normal:semantics=jax|init: need one of keras, torch, got semantics=jax",
        "truncated_normal:lower=-1,max=2|init: need lower, upper (in stddev) or min, max",
        "sparse:sparsity=1.1|sparse: need 0 <= sparsity <= 1, got sparsity=1.1"
      })
  void badTextIsNamed(String text, String message) {
    assertThatThrownBy(() -> InitializerSpec.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }

  private static void plans(String text, Fill fill) {
    assertThat(InitializerSpec.parse(text).initializer(Layout.KERAS).plan(SHAPE)).isEqualTo(fill);
  }
}
