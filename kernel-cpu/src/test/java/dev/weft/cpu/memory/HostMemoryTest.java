package dev.weft.cpu.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.MemoryLimitException;
import dev.weft.spi.Buffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostMemoryTest {
  @ParameterizedTest
  @ValueSource(longs = {0, 1, 63, 64, 4097, HostMemory.LARGE - 1, HostMemory.LARGE, 5_000_001})
  void blocksAreAlignedCountedAndUsableToTheLastByte(long byteSize) {
    HostMemory memory = new HostMemory(1 << 24);
    Buffer block = memory.allocate(byteSize);
    MemorySegment segment = block.segment();
    assertThat(segment.byteSize()).isEqualTo(byteSize);
    assertThat(segment.address() % HostMemory.ALIGNMENT).isZero();
    segment.fill((byte) 7);
    assertThat(memory.info().allocatedBytes()).isEqualTo(byteSize);
    block.close();
    assertThat(memory.info().allocatedBytes()).isZero();
    assertThat(memory.info().peakBytes()).isEqualTo(byteSize);
    if (byteSize > 0) {
      assertThatThrownBy(() -> segment.get(ValueLayout.JAVA_BYTE, 0))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void theLimitHoldsAndSaysWhatIsFree() {
    HostMemory memory = new HostMemory(1000);
    Buffer first = memory.allocate(700);
    assertThatThrownBy(() -> memory.allocate(301))
        .isInstanceOfSatisfying(
            MemoryLimitException.class,
            e -> {
              assertThat(e.requestedBytes()).isEqualTo(301);
              assertThat(e.freeBytes()).isEqualTo(300);
            })
        .hasMessage(
            "allocate: need requestedBytes <= freeBytes of the limit 1000,"
                + " got requestedBytes=301, freeBytes=300");
    memory.allocate(300).close();
    first.close();
    assertThat(memory.info().allocatedBytes()).isZero();
  }

  @Test
  void whatTheSystemRefusesIsATypedExceptionAndIsNotCounted() {
    HostMemory memory = new HostMemory(Long.MAX_VALUE);
    assertThatThrownBy(() -> memory.allocate(Long.MAX_VALUE / 2))
        .isInstanceOf(MemoryLimitException.class);
    assertThat(memory.info().allocatedBytes()).isZero();
  }

  @Test
  void theDefaultLimitIsNineTenthsOfPhysicalMemory() {
    long limit = new HostMemory(0).info().limitBytes();
    assertThat(limit).isEqualTo(PhysicalMemory.bytes() / 10 * 9).isGreaterThan(1L << 28);
  }
}
