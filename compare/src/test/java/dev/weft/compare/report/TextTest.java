package dev.weft.compare.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Three significant digits, whatever the size. */
class TextTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "1, 1.00",
    "0.0310, 0.0310",
    "0.9996, 1.00",
    "9.996, 10.0",
    "187.5, 188",
    "99.96, 100",
    "47800, 47\u202F800",
    "-2.5, −2.50",
    "1234567, 1.23·10⁶",
    "0.0000912, 9.12·10⁻⁵",
    "NaN, –",
    "Infinity, ∞"
  })
  void digits(double value, String text) {
    assertThat(Text.digits(value)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "0.5, 0.5",
    "-0.05, −0.05",
    "20, 20",
    "2000, 2000",
    "20000, 2·10⁴",
    "1000000, 10⁶",
    "0.00002, 2·10⁻⁵",
    "1e308, 10³⁰⁸",
    "4.9e-324, 4.94·10⁻³²⁴",
    "-1e-310, −1·10⁻³¹⁰"
  })
  void ticks(double value, String text) {
    assertThat(Text.tick(value)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({"1, 1\u202FB", "16384, 16\u202FKiB", "67108864, 64\u202FMiB", "1536, 1.50\u202FKiB"})
  void bytes(double value, String text) {
    assertThat(Text.bytes(value)).isEqualTo(text);
  }
}
