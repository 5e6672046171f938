package dev.weft.init;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FansTest {
  @ParameterizedTest
  @CsvSource({
    // layout, shape, in, out: the tables of Keras and PyTorch
    "keras,'',1,1",
    "keras,'7',7,7",
    "keras,'784,128',784,128",
    "keras,'5,64,128',320,640",
    "keras,'3,3,64,128',576,1152",
    "keras,'2,3,4,5,6',120,144",
    "keras,'0,4',0,4",
    "torch,'128,784',784,128",
    "torch,'128,64,5',320,640",
    "torch,'128,64,3,3',576,1152",
    "torch,'6,5,2,3,4',120,144"
  })
  void fansOfTheLogicalShape(String layout, String shape, long in, long out) {
    assertThat(Fans.of(Shape.parse(shape), Layout.parse(layout))).isEqualTo(new Fans(in, out));
  }

  @Test
  void torchNeedsTwoAxes() {
    assertThatThrownBy(() -> Fans.of(Shape.of(5), Layout.TORCH))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("fans: need rank >= 2 in torch layout, got shape=[5]");
  }

  @Test
  void namedAxesAreJaxs() {
    Shape conv = Shape.of(3, 3, 64, 128);
    assertThat(Fans.ofAxes(conv, -2, -1)).isEqualTo(new Fans(576, 1152));
    assertThat(Fans.ofAxes(Shape.of(128, 64, 3, 3), 1, 0)).isEqualTo(new Fans(576, 1152));
    assertThat(Fans.ofAxes(Shape.of(10, 20, 30), -2, -1, 0)).isEqualTo(new Fans(20, 30));
    assertThatThrownBy(() -> Fans.ofAxes(conv, 1, -3))
        .hasMessage("fans: need distinct axes below the rank, got axis=-3, shape=[3, 3, 64, 128]");
    assertThatThrownBy(() -> Fans.ofAxes(conv, 4, 0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Fans.ofAxes(conv, 0, 1, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void divisorByMode() {
    Fans fans = new Fans(4, 9);
    assertThat(fans.divisor(FanMode.FAN_IN)).isEqualTo(4);
    assertThat(fans.divisor(FanMode.FAN_OUT)).isEqualTo(9);
    assertThat(fans.divisor(FanMode.FAN_AVG)).isEqualTo(6.5);
    assertThat(fans.divisor(FanMode.FAN_GEO_AVG)).isEqualTo(6);
    assertThat(new Fans(0, 0).divisor(FanMode.FAN_AVG)).isEqualTo(1);
    assertThat(new Fans(Long.MAX_VALUE, Long.MAX_VALUE).divisor(FanMode.FAN_AVG)).isEqualTo(0x1p63);
  }
}
