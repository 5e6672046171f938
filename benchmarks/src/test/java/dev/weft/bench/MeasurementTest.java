package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.DType;
import dev.weft.Shape;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
  @ValueSource(strings = {"", "KiB", "16KB", "1.5MiB", "9999999999GiB"})
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
    Iterator<Double> a = List.of(0.0, 0.0, 0.0, 0.0, 10.0, 4.0, 3.0).iterator();
    Iterator<Double> b = List.of(0.0, 0.0, 0.0, 0.0, 5.0, 1.0, 1.0).iterator();
    rounds.add("a", a::next);
    rounds.add("b", b::next);
    rounds.run(3);

    assertThat(rounds.rate("a")).isEqualTo(4);
    assertThat(rounds.rate("b")).isEqualTo(1);
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
  void otherOptionsOfTheReportAreRefused() {
    PrintStream nowhere = new PrintStream(PrintStream.nullOutputStream());
    assertThat(GoalsReport.main(new String[] {"--rounds", "0"}, nowhere)).isEqualTo(2);
    assertThat(GoalsReport.main(new String[] {"--fast"}, nowhere)).isEqualTo(2);
  }
}
