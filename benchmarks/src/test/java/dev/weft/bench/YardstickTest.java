package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.bench.Yardstick.Form;
import dev.weft.random.Philox4x32;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class YardstickTest {
  private static final byte POISON = (byte) 0xA5;

  private static final Map<Form, Yardstick> YARDSTICKS = new EnumMap<>(Form.class);
  private static final Map<Form, String> REASONS = new EnumMap<>(Form.class);

  /** Whether a yardstick can be built and run here. */
  static boolean available() {
    try {
      return available(Yardstick.form());
    } catch (Yardstick.UnavailableException e) {
      return false;
    }
  }

  private static boolean available(Form form) {
    if (!YARDSTICKS.containsKey(form) && !REASONS.containsKey(form)) {
      try {
        YARDSTICKS.put(form, Yardstick.load(form));
      } catch (Yardstick.UnavailableException e) {
        REASONS.put(form, e.getMessage());
      }
    }
    return YARDSTICKS.containsKey(form);
  }

  private static Yardstick yardstick(Form form) {
    assumeTrue(available(form), () -> "no yardstick with " + form + ": " + REASONS.get(form));
    return YARDSTICKS.get(form);
  }

  @ParameterizedTest
  @EnumSource
  void uniformHasTheBitsOfTheDefinition(Form form) {
    Yardstick yardstick = yardstick(form);
    RandomKey key = RandomKey.of(0xFEDCBA9876543210L);
    int elements = (int) Yardstick.RUN + 64;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(4L * elements, 64).fill(POISON);
      yardstick.fill("uniform", memory, key.seed());
      for (int i = 0; i < elements; i += i < 64 || i > elements - 256 ? 1 : 31) {
        assertThat(memory.getAtIndex(ValueLayout.JAVA_FLOAT, i))
            .as("element %d", i)
            .isEqualTo((Philox4x32.word(key, i) >>> 8) * 0x1p-24f);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"AVX512, cpu", "AVX512, scalar", "AVX2, cpu", "AVX2, scalar"})
  void everyVariantHasTheBitsOfTheBackend(Form form, String name) {
    Yardstick yardstick = yardstick(form);
    try (Backend backend = Backends.open(name, 1)) {
      Yardstick.requireSameBits(backend, yardstick::fill);
    }
  }

  /** Negative controls of the comparison. */
  @ParameterizedTest
  @CsvSource({"uniform, 7, 0", "normal, 1, 262144", "truncated_normal, 8, 262532"})
  void oneWrongBitIsNoticed(String law, int groups, long element) {
    Yardstick yardstick = yardstick(Form.AVX2);
    try (Backend backend = Backends.open("scalar", 1)) {
      assertThatThrownBy(
              () ->
                  Yardstick.requireSameBits(
                      backend,
                      (of, count, out, seed) -> {
                        yardstick.fill(of, count, out, seed);
                        if (of.equals(law) && count == groups && out.byteSize() > 4 * element) {
                          int bits = out.getAtIndex(ValueLayout.JAVA_INT, element);
                          out.setAtIndex(ValueLayout.JAVA_INT, element, bits ^ 1);
                        }
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("at element=" + element + ", law=" + law + ", groups=" + groups);
    }
  }

  @Test
  void anotherSeedAShortFillAndALongOneAreNoticed() {
    Yardstick yardstick = yardstick(Form.AVX2);
    try (Backend backend = Backends.open("scalar", 1)) {
      assertThatThrownBy(
              () ->
                  Yardstick.requireSameBits(
                      backend,
                      (law, groups, out, seed) ->
                          yardstick.fill(law, groups, out, seed ^ 1L << 63)))
          .hasMessageContaining("at element=0, law=uniform, groups=1, elements=1");
      assertThatThrownBy(
              () ->
                  Yardstick.requireSameBits(
                      backend,
                      (law, groups, out, seed) ->
                          yardstick.fill(law, groups, out.asSlice(4), seed)))
          .isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(
              () ->
                  Yardstick.requireSameBits(
                      backend,
                      (law, groups, out, seed) -> {
                        long longer = out.byteSize() + 4;
                        yardstick.fill(law, groups, longer(out, longer), seed);
                      }))
          .hasMessageContaining("at element=1, law=uniform, groups=1, elements=1");
    }
  }

  @SuppressWarnings("restricted") // writes past the end, where the comparison keeps a guard
  private static MemorySegment longer(MemorySegment memory, long byteSize) {
    return memory.reinterpret(byteSize);
  }

  /** A radius of 0 times a negative sine or cosine: both must write +0. */
  @ParameterizedTest
  @CsvSource({"AVX512, 678, 6854", "AVX2, 678, 6854", "AVX512, 1382, 184456", "AVX2, 1382, 184456"})
  void aRadiusOfZeroGivesPositiveZeros(Form form, long seed, long element) {
    Yardstick yardstick = yardstick(form);
    RandomKey key = RandomKey.of(seed);
    assertThat(Philox4x32.word(key, element) >>> 7).isEqualTo((1 << 25) - 1); // u = 1
    Shape shape = Shape.of(element + 2);
    try (Backend backend = Backends.open("scalar", 1);
        Tensor tensor = backend.tensor(DType.F32, shape);
        Arena arena = Arena.ofConfined()) {
      tensor.fill(Distributions.named("normal").plan(shape), key);
      assertThat(tensor.segment().getAtIndex(ValueLayout.JAVA_LONG, element / 2)).isZero();
      MemorySegment out = arena.allocate(tensor.segment().byteSize(), 64);
      for (int groups = 1; groups <= Yardstick.MOST_GROUPS; groups++) {
        out.fill(POISON);
        yardstick.fill("normal", groups, out, seed);
        assertThat(out.mismatch(tensor.segment())).as("groups %d", groups).isEqualTo(-1);
      }
    }
  }

  @Test
  void theFastestVariantIsChosenAndHasTheTensorsBits() throws Yardstick.UnavailableException {
    assumeTrue(available(), () -> "no yardstick: " + REASONS);
    try (Backend backend = Backends.open("cpu", 1);
        Tensor tensor = backend.tensor(DType.F32, Sizes.matrix(DType.F32, 64 << 10))) {
      Yardstick yardstick = Yardstick.load(backend);
      assertThat(yardstick.vectors()).isEqualTo(Yardstick.form());
      assertThat(yardstick.groups()).matches(Pattern.compile("[1-8],[1-8],[1-8]"));
      assertThat(yardstick.tried().keySet()).containsExactlyElementsOf(Yardstick.LAWS);
      String[] groups = yardstick.groups().split(",");
      int l = 0;
      for (double[] rates : yardstick.tried().values()) {
        assertThat(rates).hasSize(Yardstick.MOST_GROUPS).doesNotContain(0.0);
        assertThat(rates[Integer.parseInt(groups[l++]) - 1])
            .isEqualTo(Arrays.stream(rates).max().getAsDouble());
      }
      for (String law : Yardstick.LAWS) {
        assertThatCode(() -> yardstick.requireSameBits(tensor, law, RandomKey.of(7)))
            .doesNotThrowAnyException();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void storesFillTheMemoryAndNoMore(Form form) {
    Yardstick yardstick = yardstick(form);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment all = arena.allocate(1024 + 64, 64).fill(POISON);
      yardstick.store(all.asSlice(0, 1024), 0.5f);
      for (int i = 0; i < 256; i++) {
        assertThat(all.getAtIndex(ValueLayout.JAVA_FLOAT, i)).isEqualTo(0.5f);
      }
      for (long i = 1024; i < all.byteSize(); i++) {
        assertThat(all.get(ValueLayout.JAVA_BYTE, i)).as("guard byte %d", i).isEqualTo(POISON);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void fmaConvergesToTheFixedPoint(Form form) {
    Yardstick yardstick = yardstick(form);
    double chains = yardstick.flopPerStep() / 2;
    assertThat(yardstick.fma(1000)).isEqualTo((float) (chains * 2)); // c = c / 2 + 1
  }

  @Test
  void memoryThatDoesNotSuitIsRefused() {
    Yardstick yardstick = yardstick(Form.AVX2);
    assertThatThrownBy(() -> yardstick.store(MemorySegment.ofArray(new float[64]), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("need native memory of a multiple of 64 elements");
    try (Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> yardstick.fill("normal", arena.allocate(6), 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("need native memory of a multiple of 1 elements, got bytes=6");
    }
  }
}
