package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.random.Philox4x32;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class YardstickTest {
  private static final byte POISON = (byte) 0xA5;
  private static Yardstick yardstick;
  private static String reason = "";

  /** Whether the yardstick can be built and run here. */
  static boolean available() {
    if (yardstick == null && reason.isEmpty()) {
      try {
        yardstick = Yardstick.load();
      } catch (Yardstick.UnavailableException e) {
        reason = e.getMessage();
      }
    }
    return yardstick != null;
  }

  @BeforeEach
  void needsTheYardstick() {
    assumeTrue(available(), () -> "no yardstick: " + reason);
  }

  @Test
  void uniformHasTheBitsOfTheDefinition() {
    RandomKey key = RandomKey.of(0x0123456789ABCDEFL);
    int elements = 4 * (65536 + 16); // passes the end of cuRAND's first subsequence
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment all = arena.allocate(4L * elements + 64, 64).fill(POISON);
      MemorySegment memory = all.asSlice(0, 4L * elements);
      yardstick.uniform(memory, key.seed());
      for (int i = 0; i < elements; i += i < 64 || i > elements - 256 ? 1 : 31) {
        assertThat(memory.getAtIndex(ValueLayout.JAVA_FLOAT, i))
            .as("element %d", i)
            .isEqualTo((Philox4x32.word(key, i) >>> 8) * 0x1p-24f);
      }
      assertGuard(all, 4L * elements);
    }
  }

  @Test
  void storesFillTheMemoryAndNoMore() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment all = arena.allocate(1024 + 64, 64).fill(POISON);
      yardstick.store(all.asSlice(0, 1024), 0.5f);
      for (int i = 0; i < 256; i++) {
        assertThat(all.getAtIndex(ValueLayout.JAVA_FLOAT, i)).isEqualTo(0.5f);
      }
      assertGuard(all, 1024);
    }
  }

  @Test
  void fmaConvergesToTheFixedPoint() {
    assertThat(yardstick.fma(1000)).isEqualTo(12 * 16 * 2f); // c = c / 2 + 1
  }

  @Test
  void memoryThatDoesNotSuitIsRefused() {
    assertThatThrownBy(() -> yardstick.store(MemorySegment.ofArray(new float[64]), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("need native memory of a multiple of 64 elements");
  }

  private static void assertGuard(MemorySegment all, long from) {
    for (long i = from; i < all.byteSize(); i++) {
      assertThat(all.get(ValueLayout.JAVA_BYTE, i)).as("guard byte %d", i).isEqualTo(POISON);
    }
  }
}
