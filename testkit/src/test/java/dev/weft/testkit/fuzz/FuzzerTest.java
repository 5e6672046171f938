package dev.weft.testkit.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The fuzzer finds faults that are planted, and none where there is none. */
class FuzzerTest {
  private static final Effort EFFORT = new Effort(7, 5000, Long.MAX_VALUE);
  private static final Limits LIMITS = new Limits(1 << 16, 100, 20_000_000, 1000);

  /** Lists of numbers of one digit: {@code [1,2,3]}. */
  private static void digits(byte[] input) throws IOException {
    String text = new String(input, StandardCharsets.ISO_8859_1);
    if (!text.matches("\\[([0-9](,[0-9])*)?\\]")) {
      throw new IOException("digits: need a list of digits");
    }
  }

  private static Fuzzer fuzzer(Parser parser) {
    return Fuzzer.of("toy", parser)
        .seed("[1,2,3]".getBytes(StandardCharsets.UTF_8))
        .tokens("9", "[", "]")
        .refusing(IOException.class)
        .within(LIMITS);
  }

  private static AssertionError fault(Parser parser) {
    return catchThrowableOfType(AssertionError.class, () -> fuzzer(parser).run(EFFORT));
  }

  @Test
  void aParserThatKeepsTheRulesPasses() {
    Report report = fuzzer(FuzzerTest::digits).run(EFFORT);
    assertThat(report.inputs()).isEqualTo(EFFORT.inputs());
    assertThat(report.read()).isBetween(50L, report.inputs() - 50);
    assertThat(report.toString()).startsWith("fuzz toy: 5,000 inputs, ").endsWith(", seed 7");
  }

  @Test
  void theSameSeedMakesTheSameInputs() {
    List<byte[]> first = new ArrayList<>();
    List<byte[]> second = new ArrayList<>();
    List<byte[]> other = new ArrayList<>();
    Effort few = new Effort(3, 300, Long.MAX_VALUE);
    for (List<byte[]> inputs : List.of(first, second)) {
      fuzzer(recording(inputs)).run(few);
    }
    fuzzer(recording(other)).run(new Effort(4, 300, Long.MAX_VALUE));
    assertThat(Arrays.deepEquals(first.toArray(), second.toArray())).isTrue();
    assertThat(Arrays.deepEquals(first.toArray(), other.toArray())).isFalse();
  }

  private static Parser recording(List<byte[]> inputs) {
    return input -> {
      inputs.add(input);
      digits(input);
    };
  }

  @Test
  void anExceptionThatIsNotDocumentedIsFoundAndCutDown() {
    AssertionError fault =
        fault(
            input -> {
              for (byte b : input) {
                if (b == (byte) 0xB7) {
                  throw new ArrayIndexOutOfBoundsException("planted");
                }
              }
              digits(input);
            });
    assertThat(fault)
        .hasMessageContaining("fuzz toy: java.lang.ArrayIndexOutOfBoundsException")
        .hasMessageContaining("seed=7")
        .hasRootCauseMessage("planted");
    assertThat(cutDown(fault)).containsExactly(0xB7);
  }

  @Test
  void aStackThatOverflowsIsFound() {
    AssertionError fault =
        fault(
            input -> {
              if (input.length > 12) {
                nested(input);
              }
              digits(input);
            });
    assertThat(fault).hasMessageContaining("fuzz toy: java.lang.StackOverflowError");
    assertThat(cutDown(fault)).hasSize(13);
  }

  private static int nested(byte[] input) {
    return 1 + nested(input);
  }

  @Test
  void memoryOutOfProportionIsFound() {
    List<long[]> taken = new ArrayList<>();
    AssertionError fault =
        fault(
            input -> {
              for (byte b : input) {
                if (b == '9') {
                  taken.clear();
                  taken.add(new long[1 << 16]);
                }
              }
              digits(input);
            });
    assertThat(fault).hasMessageContaining("fuzz toy: allocated ");
    assertThat(cutDown(fault)).containsExactly('9');
  }

  @Test
  void timeOutOfProportionIsFound() {
    AssertionError fault =
        fault(
            input -> {
              long begin = System.nanoTime();
              boolean nine = new String(input, StandardCharsets.ISO_8859_1).contains("9");
              while (nine && System.nanoTime() - begin < 60_000_000) {
                Thread.onSpinWait();
              }
              digits(input);
            });
    assertThat(fault).hasMessageContaining("ms of processor time").hasMessageContaining("bytes=");
  }

  @Test
  void aParserThatDoesNotEndIsFound() {
    AssertionError fault =
        fault(
            input -> {
              while (input.length > 9 && !Thread.interrupted()) {
                Thread.onSpinWait();
              }
              digits(input);
            });
    assertThat(fault).hasMessageContaining("fuzz toy: does not end").hasMessageContaining("bytes=");
  }

  @Test
  void aWrongResultIsFound() {
    AssertionError fault =
        fault(
            input -> {
              digits(input);
              if (input.length == 5) {
                throw new AssertionError("does not read back");
              }
            });
    assertThat(fault).hasMessageContaining("does not read back");
    assertThat(cutDown(fault)).hasSize(5);
  }

  @Test
  void messagesOfRefusalsAreBoundedAndNameTheRule() {
    AssertionError unbounded =
        fault(
            input -> {
              throw new IOException("need less: " + "x".repeat(5000));
            });
    assertThat(unbounded).hasMessageContaining("a message of 5011 characters");
    AssertionError nameless =
        fault(
            input -> {
              throw new IOException("bad");
            });
    assertThat(nameless).hasMessageContaining("which has to hold 'need '");
  }

  @Test
  void aTargetShareOfTheSecondsIsKnown() {
    assertThat(Effort.of("npy", 5).seed()).isEqualTo(Long.getLong(Effort.SEED, 1));
    assertThatThrownBy(() -> Effort.of("other", 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("target=other");
  }

  private static byte[] cutDown(AssertionError fault) {
    Matcher matcher =
        Pattern.compile("cut down to [0-9]+ bytes=([A-Za-z0-9+/=]*)").matcher(fault.getMessage());
    assertThat(matcher.find()).isTrue();
    return Base64.getDecoder().decode(matcher.group(1));
  }
}
