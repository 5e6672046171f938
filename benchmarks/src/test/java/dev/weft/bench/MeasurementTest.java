package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MeasurementTest {
  @Test
  void sizesHaveUnits() {
    assertThat(Sizes.parse("16KiB")).isEqualTo(16384);
    assertThat(Sizes.parse("3 MiB")).isEqualTo(3L << 20);
    assertThat(Sizes.parse("4GiB")).isEqualTo(4L << 30);
    assertThat(Sizes.parse("4096")).isEqualTo(4096);
    assertThat(Sizes.matrix(DType.BF16, 4096)).isEqualTo(Shape.of(2, 1024));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "KiB", "16KB", "1.5MiB", "9999999999GiB", "+4KiB", "\u0663KiB", "0x10"})
  void otherSizesAreRefused(String text) {
    assertThatThrownBy(() -> Sizes.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("size: need a number of B, KiB, MiB or GiB, got size=" + text);
  }

  @Test
  void partRowsAreRefused() {
    assertThatThrownBy(() -> Sizes.matrix(DType.F64, 4096))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("need a multiple of 1024 elements, got bytes=4096, dtype=f64");
  }

  @Test
  void aRatioIsTheMedianOfTheRoundsRatios() {
    Rounds rounds = new Rounds(0);
    Iterator<Double> a = List.of(10.0, 4.0, 3.0).iterator();
    Iterator<Double> b = List.of(5.0, 1.0, 1.0).iterator();
    rounds.add("a", a::next);
    rounds.add("b", b::next);
    rounds.measure(3);

    assertThat(rounds.rate("a")).isEqualTo(4);
    assertThat(rounds.rate("b")).isEqualTo(1);
    assertThat(rounds.best("a")).isEqualTo(10);
    assertThat(rounds.ratio("a", "b")).isEqualTo(3); // of 2, 4 and 3
    assertThat(rounds.names()).containsExactly("a", "b");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void theRoofStoresOverTheWholeMemory(int threads) {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(threads * 8192L, 64).fill((byte) 0xFF);

      assertThat(StoreRoof.bytesPerSecond(memory, threads, 1_000_000)).isPositive();

      for (long i = 0; i < memory.byteSize(); i += 4) {
        assertThat(memory.get(ValueLayout.JAVA_FLOAT, i)).isEqualTo(0.5f);
      }
    }
  }

  @Test
  void agreementPassesTheRightBitsAndNamesAWrongOne() {
    Shape shape = Shape.of(8, 1024);
    RandomKey key = RandomKey.of(7);
    try (Backend backend = Backends.open("scalar", 1);
        Tensor tensor = backend.tensor(DType.F32, shape)) {
      Agreement.check(tensor, Fill.uniform(-2, 3), key);
      Agreement.check(tensor, Fill.normal(0, 1), key);

      tensor.segment().setAtIndex(ValueLayout.JAVA_FLOAT, 5, Math.nextUp((float) tensor.get(5)));
      assertThatThrownBy(() -> Agreement.compare(tensor, Fill.normal(0, 1), key))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("need the bits of the scalar backend, got element=5,");
    }
  }

  @Test
  void theReportListsEveryGoal() {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    GoalsReport.Plan plan =
        new GoalsReport.Plan(
            3, 1_000_000, 64 << 10, List.of(128L << 10), 256 << 10, 512 << 10, 32, 2, false, null);

    GoalsReport.run(plan, new PrintStream(text, true, StandardCharsets.UTF_8));

    assertThat(text.toString(StandardCharsets.UTF_8))
        .contains("| goal | target | measured | met |")
        .contains("| uniform f32 / C, 64 KiB, 1 thread | ≥ 0.75 | ")
        .contains("| normal f32 / C, 64 KiB, 1 thread | ≥ 0.85 | ")
        .contains("| truncated_normal f32 / C, 64 KiB, 1 thread | ≥ 0.85 | ")
        .contains("| truncated_normal f32 / C, 256 KiB, 1 thread | ≥ 0.85 | ")
        .contains("| uniform f32 / C, 512 KiB, 2 threads | ≥ 0.75 | ")
        .containsPattern(
            "normal f32 / C, 64 KiB, 1 thread . ≥ 0.85 . "
                + (YardstickTest.available()
                    ? "[0-9.]+ \\([0-9.]+–[0-9.]+\\) . (yes|no) "
                    : "not measured: "))
        .contains("normal f32 / uniform f32, 64 KiB")
        .contains("truncated_normal f32 / uniform f32, 64 KiB")
        .contains("uniform bf16 / uniform f32")
        .contains("truncated_normal f16 / truncated_normal f32")
        .contains("constant f32 / plain stores, 64 KiB")
        .contains("uniform f32, 2 threads / 1 thread, 128 KiB")
        .contains("bytes allocated per fill, 2 threads")
        .contains("orthogonal f32 32 × 32, max of ‖QᵀQ − I‖")
        .contains("command line | ");
  }

  @Test
  void otherOptionsOfTheReportAreRefused() {
    PrintStream nowhere = new PrintStream(PrintStream.nullOutputStream());
    assertThat(GoalsReport.main(new String[] {"--rounds", "0"}, nowhere)).isEqualTo(2);
    assertThat(GoalsReport.main(new String[] {"--only-c", "--fast"}, nowhere)).isEqualTo(2);
    assertThat(GoalsReport.main(new String[] {"--fast"}, nowhere)).isEqualTo(2);
  }
}
