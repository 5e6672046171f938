package dev.weft.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DecimalsTest {
  @ParameterizedTest
  @ValueSource(longs = {0, 7, -7, 42, Long.MAX_VALUE, Long.MIN_VALUE})
  void wholeReadsWhatIsWritten(long value) {
    assertThat(Decimals.whole(Long.toString(value))).isEqualTo(value);
    assertThat(Decimals.whole("0042")).isEqualTo(42);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "0.1", "-3", "2e-5", "1E3", "1e+3", "5.", ".5", "1e-400"})
  void realIsTheNearest(String text) {
    assertThat(Decimals.real(text)).isEqualTo(new BigDecimal(text).doubleValue());
  }

  /** Each of them is a number to a parser of Java's. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "0.1f",
        "0.1F",
        "1d",
        "1D",
        "0x1p3",
        "0X1P3",
        "+5",
        "+0.5",
        "Infinity",
        "-Infinity",
        "NaN",
        "+NaN",
        " 5",
        "5 ",
        "\t5",
        "\u0663",
        "-\u0663",
        "\uff15",
        "\u0967",
        "1\u0660"
      })
  void realRefusesWhatJavaTakes(String text) {
    assertThatThrownBy(() -> Decimals.real(text)).isInstanceOf(NumberFormatException.class);
    assertThatThrownBy(() -> Decimals.whole(text)).isInstanceOf(NumberFormatException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "-", ".", "e", "1e", "1e+", ".e1", "--1", "1_000", "1,0", "1e400", "-1e309"})
  void realRefuses(String text) {
    assertThatThrownBy(() -> Decimals.real(text)).isInstanceOf(NumberFormatException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-",
        "1.0",
        "1e3",
        "0x10",
        "1_000",
        "9223372036854775808",
        "-",
        "\ud835\udfd7"
      })
  void wholeRefuses(String text) {
    assertThatThrownBy(() -> Decimals.whole(text)).isInstanceOf(NumberFormatException.class);
  }

  /** The pattern neither recurses nor goes back. */
  @Test
  void aMillionDigitsAreRead() {
    String digits = "1".repeat(1_000_000);
    assertThat(Decimals.real("0." + digits)).isEqualTo(1.0 / 9);
    assertThatThrownBy(() -> Decimals.real(digits + "x")).isInstanceOf(NumberFormatException.class);
    assertThatThrownBy(() -> Decimals.whole(digits)).isInstanceOf(NumberFormatException.class);
  }
}
