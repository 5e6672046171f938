package dev.weft.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.DType;
import dev.weft.cpu.FillKernels;
import dev.weft.cpu.scalar.ScalarFillKernels;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import dev.weft.spi.fill.StreamFill;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * When the scalar kernels work and when the vector ones do, with kernels that only keep count and a
 * clock that they alone move.
 */
@Timeout(600)
class GradualFillKernelsTest {
  private static final StreamFill FILL = StreamFill.bits(DType.F32, RandomKey.of(42));
  private static final int PIECE = 1 << 20;

  private final AtomicLong clock = new AtomicLong();

  /** Adds 1 to every element that it is asked to write, in {@code nanos} nanoseconds. */
  private final class Counting implements FillKernels {
    volatile long nanos;
    volatile CountDownLatch until = new CountDownLatch(0);
    final AtomicInteger calls = new AtomicInteger();

    Counting(long nanos) {
      this.nanos = nanos;
    }

    @Override
    public int vectorBits() {
      return 512;
    }

    @Override
    public void stream(
        StreamFill fill, MemorySegment out, long byteOffset, long first, long count) {
      calls.incrementAndGet();
      assertThat(byteOffset).isEqualTo(4 * first);
      for (long i = 0; i < count; i++) {
        long at = byteOffset + 4 * i;
        out.set(ValueLayout.JAVA_INT, at, out.get(ValueLayout.JAVA_INT, at) + 1);
      }
      clock.addAndGet(nanos);
      try {
        until.await();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    @Override
    public void constant(
        long bits, int elementBytes, MemorySegment out, long byteOffset, long count) {
      throw new AssertionError("no constant was asked for");
    }
  }

  private final Counting vector = new Counting(100_000_000);
  private final Counting scalar = new Counting(2_000_000);
  private final GradualFillKernels gradual = new GradualFillKernels(vector, scalar, clock::get);

  private void fillOnce() {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment out = arena.allocate(4L * PIECE, 64);
      gradual.stream(FILL, out, 0, 0, PIECE);
      for (long i = 0; i < PIECE; i++) {
        assertThat(out.getAtIndex(ValueLayout.JAVA_INT, i)).isEqualTo(1);
      }
    }
  }

  @Test
  void theScalarKernelsWorkAloneUntilThereAreEnoughElements() {
    for (long done = 0; done < GradualFillKernels.ENOUGH; done += PIECE) {
      fillOnce();
    }
    assertThat(vector.calls).hasValue(0);
  }

  @Test
  void thenBothWorkWhileVectorsAreSlowAndEachElementIsWrittenOnce() {
    for (long done = 0; done < GradualFillKernels.ENOUGH; done += PIECE) {
      fillOnce();
    }
    int before = scalar.calls.get();
    fillOnce();
    fillOnce();
    assertThat(vector.calls.get()).isPositive();
    assertThat(scalar.calls.get()).isGreaterThan(before);
  }

  @Test
  void thenVectorsWorkAloneOnceTheyAreFast() {
    for (long done = 0; done <= GradualFillKernels.ENOUGH; done += PIECE) {
      fillOnce();
    }
    vector.nanos = 0;
    for (int i = 0; i < 4; i++) { // until the next trial
      fillOnce();
    }
    int before = scalar.calls.get();
    fillOnce();
    assertThat(scalar.calls.get()).isEqualTo(before);
  }

  @Test
  void oneThreadTriesWhileTheOthersGoOn() throws InterruptedException {
    for (long done = 0; done < GradualFillKernels.ENOUGH; done += PIECE) {
      fillOnce();
    }
    CountDownLatch others = new CountDownLatch(1);
    vector.until = others; // the trial ends after the others, or this test hangs
    Thread trying = new Thread(this::fillOnce);
    trying.start();
    while (vector.calls.get() == 0) {
      Thread.onSpinWait();
    }
    Thread other =
        new Thread(
            () -> {
              gradual.stream(FILL, MemorySegment.ofArray(new int[1 << 14]), 0, 0, 1 << 14);
              others.countDown();
            });
    other.start();
    others.await();
    assertThat(vector.calls).hasValue(1);
    trying.join();
    other.join();
  }

  @Test
  void theRealKernelsWriteTheSameBitsThroughout() {
    FillKernels real = VectorFillKernels.gradual(VectorFillKernels.preferredBits());
    FillKernels reference = new ScalarFillKernels();
    StreamFill fill = StreamFill.of(new Fill.Normal(0, 1), DType.F32, RandomKey.of(7));
    MemorySegment want = MemorySegment.ofArray(new float[PIECE]);
    reference.stream(fill, want, 0, 0, PIECE);
    for (int round = 0; round < 16; round++) {
      MemorySegment got = MemorySegment.ofArray(new float[PIECE]).fill((byte) -1);
      real.stream(fill, got, 0, 0, PIECE);
      assertThat(got.mismatch(want)).isEqualTo(-1);
    }
  }
}
