package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Lease;
import dev.weft.Matrix;
import dev.weft.MemoryInfo;
import dev.weft.MemoryLimitException;
import dev.weft.PackedMatrix;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Loss;
import dev.weft.testkit.Allocations;
import dev.weft.testkit.LogCapture;
import dev.weft.testkit.Patience;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Law 3: memory is the caller's; and what a backend does with its own, with its threads and with a
 * caller's executor.
 */
public abstract class MemoryContract extends BackendContract {
  private static final List<Fill> ELEMENTWISE =
      List.of(
          Fill.bits(),
          Fill.constant(1),
          Fill.uniform(-1, 1),
          Fill.normal(0, 1),
          Fill.truncatedNormalSigma(0, 1, -2, 2),
          Fill.truncatedNormalSigma(0, 1, -1, 3),
          Fill.sparse(0.5, 1),
          Fill.identity(1),
          Fill.custom((index, word) -> word));

  @ParameterizedTest
  @EnumSource
  void everyByteOfTheRegionAndNoOtherIsWritten(DType dtype) {
    for (int poison : new int[] {0x00, 0xA5}) {
      for (Fill fill : ELEMENTWISE) {
        for (long[] dims : new long[][] {{1, 1}, {3, 5}, {1, 4099}, {513, 129}, {0, 3}}) {
          exact(fill, dtype, Region.of(Shape.of(dims)), poison);
        }
        Region logical = Region.of(Shape.of(300, 1000));
        exact(fill, dtype, logical.slice(12_345, 56_789), poison);
        exact(fill, dtype, logical.box(new long[] {3, 7}, new long[] {50, 701}), poison);
      }
      Fill dirac = Fill.dirac(1, Layout.KERAS);
      exact(dirac, dtype, Region.of(Shape.of(3, 5, 7)), poison);
    }
  }

  private void exact(Fill fill, DType dtype, Region region, int poison) {
    long size = dtype.byteSize(region.shape().elements());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(size + 2 * GUARD, 64).fill((byte) poison);
      MemorySegment out = memory.asSlice(GUARD, size);
      try (Tensor tensor = backend().wrap(out, dtype, region.shape())) {
        tensor.fill(fill, KEY, region);
      }
      MemorySegment guard = MemorySegment.ofArray(new byte[GUARD]).fill((byte) poison);
      assertThat(memory.asSlice(0, GUARD).mismatch(guard)).as("%s before", fill).isEqualTo(-1);
      assertThat(memory.asSlice(GUARD + size).mismatch(guard)).as("%s after", fill).isEqualTo(-1);
      assertSame(out, filled(backend(), fill, KEY, dtype, region), dtype, fill);
    }
  }

  /** Whether a repeated fill leaves nothing on the heap; a backend that says no says why. */
  protected boolean allocatesNothing(Fill fill) {
    return true;
  }

  @Test
  void aRepeatedFillAllocatesNothing() {
    Region corner = Region.of(Shape.of(200, 1000)).box(new long[] {1, 1}, new long[] {2, 2});
    Region part = Region.of(Shape.of(200, 1000)).box(new long[] {100, 0}, new long[] {40, 900});
    for (Fill fill : ELEMENTWISE) {
      if (!allocatesNothing(fill)) {
        continue;
      }
      for (DType dtype : DType.values()) {
        try (Tensor small = backend().tensor(dtype, Shape.of(2, 2));
            Tensor tensor = backend().tensor(dtype, Shape.of(40, 900))) {
          for (int i = 0; i < 3000; i++) { // compiles what runs once in a fill
            small.fill(fill, KEY);
            small.fill(fill, KEY, corner);
          }
          String what = fill + " " + dtype;
          Allocations.assertNone(what, CALLS, () -> tensor.fill(fill, KEY));
          Allocations.assertNone(what + " region", CALLS, () -> tensor.fill(fill, KEY, part));
        }
      }
    }
    // Negative control. The least of many measurements is wrong when one of them is, as happens
    // when a thread ends or gets new room to allocate in: so the most of ten short ones.
    long control = 0;
    for (int i = 0; i < 10; i++) {
      control = Math.max(control, Allocations.perCall(CALLS, 1_000_000, () -> sink = new byte[64]));
    }
    assertThat(control).isGreaterThanOrEqualTo(64);
  }

  private static final int CALLS = 20; // of one measurement

  private volatile Object sink;

  @Test
  void temporaryMemoryDoesNotGrowWithTheTensor() {
    for (Fill fill : ELEMENTWISE) {
      // What planning takes, classes to load, and the vectors that code not yet compiled boxes.
      Patience patience = Patience.ofSeconds(20);
      while (temporaryHeap(fill, 256) >= 32 << 10 && patience.lasts()) {
        Thread.yield();
      }
      long small = temporaryHeap(fill, 16);
      long large = temporaryHeap(fill, 2048);
      while (large - small >= 64 << 10 && patience.lasts()) { // compiled anew on the way
        large = temporaryHeap(fill, 2048);
      }
      assertThat(large - small).as("%s: heap for 8 MiB over 64 KiB", fill).isLessThan(64 << 10);
    }
  }

  private long temporaryHeap(Fill fill, int rows) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    for (int trial = 0; trial < 2; trial++) {
      try (Backend fresh = open(2);
          Tensor tensor = fresh.tensor(DType.F32, Shape.of(rows, 1024))) {
        filled(fresh, fill, KEY, DType.F32, Region.of(Shape.of(1, 1))); // opens what it needs
        long peak = fresh.memory().peakBytes();
        long before = threads.getTotalThreadAllocatedBytes();
        tensor.fill(fill, KEY);
        least = Math.min(least, threads.getTotalThreadAllocatedBytes() - before);
        assertThat(fresh.memory().peakBytes()).as("%s: own memory", fill).isEqualTo(peak);
      }
    }
    return least;
  }

  @Test
  void ownMemoryIsAlignedAndCounted() {
    try (Backend fresh = open(2)) {
      assertThat(fresh.memory().allocatedBytes()).isZero();
      List<Tensor> tensors = new ArrayList<>();
      long bytes = 0;
      for (int size : new int[] {0, 1, 3, 1000, 524_288, 524_289, 3_000_001}) {
        Tensor tensor = fresh.tensor(DType.F32, Shape.of(size));
        tensors.add(tensor);
        bytes += 4L * size;
        long address = tensor.isHost() ? tensor.segment().address() : tensor.devicePointer();
        assertThat(address % 64).as("alignment of %d", size).isZero();
        if (tensor.isHost()) {
          assertThat(tensor.segment().byteSize()).isEqualTo(4L * size);
          assertThat(tensor.segment().isNative()).isTrue();
        }
        tensor.fill(Fill.constant(7), KEY);
        assertThat(size == 0 ? 7 : tensor.get(size - 1)).isEqualTo(7);
        assertThat(fresh.memory().allocatedBytes()).isEqualTo(bytes);
      }
      tensors.forEach(Tensor::close);
      tensors.forEach(Tensor::close);
      assertThat(fresh.memory().allocatedBytes()).isZero();
      assertThat(fresh.memory().peakBytes()).isEqualTo(bytes);
    }
  }

  @Test
  void theLimitHolds() {
    try (Backend small = open(BackendOptions.DEFAULT.withMemoryLimit(1_000_000))) {
      assertThat(small.memory()).isEqualTo(new MemoryInfo(0, 0, 1_000_000));
      Tensor first = small.tensor(DType.F32, Shape.of(200_000));
      assertThatThrownBy(() -> small.tensor(DType.F64, Shape.of(100_000)))
          .isInstanceOfSatisfying(
              MemoryLimitException.class,
              e -> {
                assertThat(e.requestedBytes()).isEqualTo(800_000);
                assertThat(e.freeBytes()).isEqualTo(200_000);
                assertThat(e)
                    .hasMessageMatching(
                        "allocate: need .*, got requestedBytes=800000, freeBytes=200000");
              });
      small.tensor(DType.F32, Shape.of(50_000)).close();
      first.close();
      small.tensor(DType.F64, Shape.of(125_000)).close();
      assertThatThrownBy(() -> small.tensor(DType.F32, Shape.of(1L << 60)))
          .isInstanceOf(MemoryLimitException.class);
      assertThat(small.memory().allocatedBytes()).isZero();
      assertThat(small.memory().peakBytes()).isEqualTo(1_000_000);
      // memory of the caller's does not count
      try (Tensor mine = small.wrap(new float[500_000], Shape.of(500_000))) {
        mine.fill(Fill.constant(1), KEY);
      }
    }
  }

  @Test
  void theDefaultLimitIsBelowTheMachines() {
    assertThat(backend().memory().limitBytes()).isGreaterThan(64L << 20);
    assertThatThrownBy(() -> backend().tensor(DType.F32, Shape.of(1L << 60)))
        .isInstanceOf(MemoryLimitException.class)
        .hasMessageContaining("requestedBytes=4611686018427387904");
  }

  @Test
  void tensorsLeftOpenAreReportedAndFreed() {
    try (LogCapture log = LogCapture.of("dev.weft")) {
      Backend fresh = open(1);
      Tensor lost = fresh.tensor(DType.F32, Shape.of(10, 20));
      MemorySegment view = view(lost);
      fresh.close();
      assertThat(log.lines()).containsExactly("leak: tensor F32 [10, 20] was never closed");
      assertThat(fresh.memory().allocatedBytes()).isZero();
      assertUnreachable(view);
    }
  }

  @Test
  void aLostTensorIsReportedAndFreed() throws InterruptedException {
    try (Backend fresh = open(1);
        LogCapture log = LogCapture.of("dev.weft")) {
      fresh.tensor(DType.BF16, Shape.of(7)).fill(Fill.constant(1), KEY);
      for (int i = 0; i < 500 && fresh.memory().allocatedBytes() != 0; i++) {
        System.gc();
        Thread.sleep(10);
      }
      assertThat(fresh.memory().allocatedBytes()).isZero();
      assertThat(log.lines()).containsExactly("leak: tensor BF16 [7] was never closed");
    }
  }

  @Test
  void closedMemoryCannotBeReached() {
    for (int size : new int[] {10, 3_000_000}) {
      Tensor tensor = backend().tensor(DType.F32, Shape.of(size));
      tensor.fill(Fill.constant(1), KEY);
      MemorySegment view = view(tensor);
      tensor.close();
      tensor.close();
      assertUnreachable(view);
      assertThatThrownBy(() -> tensor.fill(Fill.constant(1), KEY))
          .isInstanceOf(ClosedException.class)
          .hasMessageStartingWith("fill: need an open tensor, got tensor=Tensor f32 [" + size);
      assertThatThrownBy(tensor::segment).isInstanceOf(ClosedException.class);
      assertThatThrownBy(tensor::devicePointer).isInstanceOf(ClosedException.class);
      assertThatThrownBy(() -> tensor.copyTo(MemorySegment.ofArray(new float[size])))
          .isInstanceOf(ClosedException.class);
      assertThatThrownBy(() -> tensor.get(0)).isInstanceOf(ClosedException.class);
      assertThatThrownBy(() -> tensor.orthogonalityError(Layout.KERAS, 1))
          .isInstanceOf(RuntimeException.class);
    }
    Backend closed = open(2);
    Tensor left = closed.wrap(new float[3], Shape.of(3));
    closed.close();
    closed.close();
    assertThatThrownBy(() -> left.fill(Fill.constant(1), KEY))
        .isInstanceOf(ClosedException.class)
        .hasMessageStartingWith("fill: need an open backend, got backend=");
  }

  /** The memory as the host sees it; null for a device's, which has no view to outlive it. */
  private static MemorySegment view(Tensor tensor) {
    return tensor.isHost() ? tensor.segment() : null;
  }

  private static void assertUnreachable(MemorySegment view) {
    if (view != null) {
      assertThatThrownBy(() -> view.get(ValueLayout.JAVA_FLOAT, 0))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  /** The elements, wherever they are. */
  private static MemorySegment copy(Tensor tensor) {
    MemorySegment copy = MemorySegment.ofArray(new byte[(int) tensor.byteSize()]);
    tensor.copyTo(copy);
    return copy;
  }

  @Test
  void aSegmentOfAClosedArenaIsAnException() {
    for (int threads : new int[] {1, 2}) {
      try (Backend fresh = open(threads)) {
        Arena arena = Arena.ofShared();
        Tensor tensor = fresh.wrap(arena.allocate(4_000_000), DType.F32, Shape.of(1_000_000));
        tensor.fill(Fill.constant(1), KEY);
        arena.close();
        for (Fill fill : ELEMENTWISE) {
          if (!(fill instanceof Fill.Sparse || fill instanceof Fill.Identity)) {
            assertThatThrownBy(() -> tensor.fill(fill, KEY))
                .as("%s", fill)
                .isInstanceOf(ClosedException.class);
          }
        }
        tensor.close();
      }
    }
  }

  /** The function closes it: an arena that its thread does not use at the time lets it. */
  @Test
  void anArenaClosedInTheMiddleOfAFillIsSaidToBeClosed() {
    for (int threads : new int[] {1, 3}) {
      try (Backend fresh = open(threads)) {
        Arena arena = Arena.ofShared();
        Tensor tensor = fresh.wrap(arena.allocate(4_000_000), DType.F32, Shape.of(1_000_000));
        Fill closing =
            Fill.custom(
                (index, word) -> {
                  if (index == 500_000) {
                    closeInTheEnd(arena);
                  }
                  return word;
                });
        assertThatThrownBy(() -> tensor.fill(closing, KEY))
            .isInstanceOf(ClosedException.class)
            .hasMessageStartingWith(
                "fill: need memory that is alive to the end, got tensor=Tensor f32 [1000000]")
            .hasCauseInstanceOf(IllegalStateException.class);
        tensor.close();
      }
    }
    Fill broken =
        Fill.custom(
            (index, word) -> {
              throw new IllegalStateException("the function's own");
            });
    try (Tensor tensor = backend().wrap(new float[10], Shape.of(10))) {
      assertThatThrownBy(() -> tensor.fill(broken, KEY))
          .isExactlyInstanceOf(IllegalStateException.class)
          .hasMessage("the function's own");
    }
  }

  /** Other threads may be writing into it. */
  private static void closeInTheEnd(Arena arena) {
    while (arena.scope().isAlive()) {
      try {
        arena.close();
      } catch (IllegalStateException e) {
        Thread.onSpinWait();
      }
    }
  }

  /** As Kotlin, Scala and Lombok throw them: undeclared. */
  @Test
  void aFunctionsCheckedExceptionEndsTheFill() {
    IOException fault = new IOException("from the function");
    for (Throwable each : new Throwable[] {fault, new Throwable("bare"), new Error("error")}) {
      AtomicInteger inside = new AtomicInteger();
      Fill throwing =
          Fill.custom(
              (index, word) -> {
                inside.incrementAndGet();
                try {
                  if (index == 123_456) {
                    throw MemoryContract.<RuntimeException>sneaky(each);
                  }
                  return word;
                } finally {
                  inside.decrementAndGet();
                }
              });
      Tensor tensor = backend().tensor(DType.F32, Shape.of(1_000_000));
      assertThatThrownBy(() -> tensor.fill(throwing, KEY)).isSameAs(each);
      assertThat(inside).hasValue(0);
      tensor.close();
      assertThatThrownBy(
              () -> Dense.of(3, 2).kernel(shape -> throwing(each)).build(backend(), KEY).close())
          .isSameAs(each);
    }
    assertThat(backend().memory().allocatedBytes()).isZero();
  }

  private static Fill throwing(Throwable e) {
    throw MemoryContract.<RuntimeException>sneaky(e);
  }

  @SuppressWarnings("unchecked") // T is only what the compiler believes
  private static <T extends Throwable> T sneaky(Throwable e) throws T {
    throw (T) e;
  }

  /** What is written to a channel meanwhile cannot be closed; once it is written, it can. */
  @Test
  void closedIsWhatHasBeenReleased() throws Exception {
    try (Backend fresh = open(2)) {
      Tensor tensor = fresh.tensor(DType.F32, Shape.of(2 << 20));
      if (!tensor.isHost()) {
        tensor.close();
        return; // no segment of a device's memory can be in use
      }
      tensor.fill(Fill.constant(3), KEY);
      try (Use use = new Use(tensor.segment())) {
        assertThat(use.isWriting()).isTrue();
        for (int i = 0; i < 2; i++) {
          assertThatThrownBy(tensor::close)
              .isInstanceOf(IllegalStateException.class)
              .isNotInstanceOf(ClosedException.class)
              .hasMessageMatching(
                  "close: need memory that no other code is using \\(.*\\), got"
                      + " memory=tensor F32 \\[2097152\\]");
          assertThat(tensor.get(7)).as("open as before").isEqualTo(3);
        }
        assertThat(fresh.memory().allocatedBytes()).isEqualTo(8 << 20);
      }
      tensor.close();
      tensor.close();
      assertThat(fresh.memory().allocatedBytes()).isZero();
      assertThatThrownBy(() -> tensor.get(7)).isInstanceOf(ClosedException.class);

      Tensor lent = fresh.tensor(DType.F32, Shape.of(2 << 20));
      Lease lease = lent.lend();
      try (Use use = new Use(lent.segment())) {
        assertThat(use.isWriting()).isTrue();
        lent.close();
        for (int i = 0; i < 2; i++) {
          assertThatThrownBy(lease::close)
              .isInstanceOf(IllegalStateException.class)
              .hasMessageStartingWith("close: need memory that no other code is using");
        }
        assertThat(fresh.memory().allocatedBytes()).isEqualTo(8 << 20);
      }
      lease.close();
      lease.close();
      assertThat(fresh.memory().allocatedBytes()).isZero();
    }
  }

  @Test
  void aBackendGivesBackWhatItCan() throws Exception {
    try (LogCapture log = LogCapture.of("dev.weft")) {
      Backend fresh = open(2);
      Tensor used = fresh.tensor(DType.F32, Shape.of(2 << 20));
      Tensor other = fresh.tensor(DType.F32, Shape.of(1000));
      if (!used.isHost()) {
        fresh.close();
        return; // no segment of a device's memory can be in use
      }
      other.fill(Fill.constant(3), KEY);
      try (Use use = new Use(used.segment())) {
        assertThat(use.isWriting()).isTrue();
        for (int i = 0; i < 2; i++) {
          assertThatThrownBy(fresh::close)
              .isInstanceOf(IllegalStateException.class)
              .hasMessageStartingWith("close: need memory that no other code is using");
          assertThat(fresh.memory().allocatedBytes()).isEqualTo(8 << 20);
        }
        assertThatThrownBy(used::close).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> other.get(0)).isInstanceOf(ClosedException.class);
      }
      used.close();
      other.close();
      fresh.close();
      assertThat(fresh.memory().allocatedBytes()).isZero();
      assertThat(log.lines())
          .containsExactlyInAnyOrder(
              "leak: tensor F32 [2097152] was never closed",
              "leak: tensor F32 [1000] was never closed");
    }
  }

  @Test
  void aLostTensorWaitsForWhoUsesItsSegment() throws Exception {
    try (Backend fresh = open(2);
        LogCapture log = LogCapture.of("dev.weft")) {
      MemorySegment segment = lostSegment(fresh);
      if (segment == null) {
        return; // a device's memory has none
      }
      try (Use use = new Use(segment)) {
        assertThat(use.isWriting()).isTrue();
        for (int i = 0; i < 500 && log.lines().isEmpty(); i++) {
          System.gc();
          Thread.sleep(10);
        }
        assertThat(log.lines()).containsExactly("leak: tensor F32 [2097152] was never closed");
        assertThat(fresh.memory().allocatedBytes()).isEqualTo(8 << 20);
      }
      for (int i = 0; i < 500 && fresh.memory().allocatedBytes() != 0; i++) {
        System.gc();
        Thread.sleep(10);
      }
      assertThat(fresh.memory().allocatedBytes()).isZero();
      assertThat(log.lines()).hasSize(1);
    }
  }

  /** The memory of a tensor that nobody knows any more; null if the host does not reach it. */
  private static MemorySegment lostSegment(Backend backend) {
    Tensor lost = backend.tensor(DType.F32, Shape.of(2 << 20));
    return view(lost);
  }

  /** Another thread that writes a segment to a pipe, until it is closed. */
  private static final class Use implements AutoCloseable {
    private final Pipe pipe = Pipe.open();
    private final Thread writer;

    Use(MemorySegment segment) throws IOException {
      writer =
          Thread.ofPlatform()
              .daemon()
              .start(
                  () -> {
                    try {
                      pipe.sink().write(segment.asByteBuffer());
                    } catch (IOException e) {
                      // the other end is closed
                    }
                  });
      if (pipe.source().read(ByteBuffer.allocate(1)) != 1) { // it is in the middle of it
        throw new IOException("the pipe is at its end");
      }
    }

    boolean isWriting() {
      return writer.isAlive();
    }

    @Override
    public void close() throws IOException {
      pipe.source().close();
      try {
        writer.join();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      pipe.sink().close();
    }
  }

  @Test
  void aTensorCannotBeClosedUnderAnOperation() throws InterruptedException {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Fill slow =
        Fill.custom(
            (index, word) -> {
              running.countDown();
              awaitQuietly(end);
              return 1;
            });
    Tensor tensor = backend().tensor(DType.F32, Shape.of(100));
    Thread filler = Thread.ofPlatform().start(() -> tensor.fill(slow, KEY));
    running.await();
    assertThatThrownBy(tensor::close)
        .isInstanceOf(IllegalStateException.class)
        .isNotInstanceOf(ClosedException.class)
        .hasMessageStartingWith("close: need no running operation, got tensor=Tensor f32 [100]");
    end.countDown();
    filler.join();
    assertThat(tensor.get(99)).isEqualTo(1);
    tensor.close();
  }

  @Test
  void aBackendCannotBeClosedUnderAnOperation() throws InterruptedException {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Fill slow =
        Fill.custom(
            (index, word) -> {
              running.countDown();
              awaitQuietly(end);
              return 1;
            });
    Backend fresh = open(2);
    Tensor tensor = fresh.tensor(DType.F32, Shape.of(100_000));
    Thread filler = Thread.ofPlatform().start(() -> tensor.fill(slow, KEY));
    running.await();
    assertThatThrownBy(fresh::close)
        .isInstanceOf(IllegalStateException.class)
        .isNotInstanceOf(ClosedException.class)
        .hasMessageStartingWith(
            "close: need no running operation and no lent tensor, got backend=");
    end.countDown();
    filler.join();
    assertThat(tensor.get(99_999)).isEqualTo(1);
    tensor.close();
    fresh.close();
  }

  /** The caller may pull its own memory away; that is an exception on one of the two sides. */
  @Test
  void anArenaClosedUnderAFillIsAnExceptionAtWorst() throws InterruptedException {
    for (int trial = 0; trial < 60; trial++) {
      Arena arena = Arena.ofShared();
      Tensor tensor = backend().wrap(arena.allocate(4_000_000), DType.F32, Shape.of(1_000_000));
      Fill fill = ELEMENTWISE.get(trial % 5);
      List<Throwable> thrown = new ArrayList<>();
      List<Throwable> others = new ArrayList<>();
      Thread filler =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      for (int i = 0; i < 3; i++) {
                        tensor.fill(fill, KEY);
                      }
                    } catch (ClosedException e) {
                      thrown.add(e);
                    } catch (RuntimeException e) {
                      others.add(e);
                    }
                  });
      Thread.sleep(trial / 20, trial % 20 * 50_000);
      for (boolean open = true; open; ) {
        try {
          arena.close();
          open = false;
        } catch (IllegalStateException e) {
          Thread.onSpinWait(); // refused: the fill is reading or writing it right now
        }
      }
      filler.join();
      assertThat(thrown.size()).isLessThanOrEqualTo(1);
      assertThat(others).isEmpty();
    }
    filled(backend(), Fill.bits(), KEY, DType.F32, Region.of(Shape.of(300_000))); // still works
  }

  /** Nothing is done in no time, whatever the other extents are. */
  @Test
  void nothingIsDoneForNothing() {
    long most = Long.MAX_VALUE;
    for (long[] dims : new long[][] {{most, 0}, {0, most}, {0, 0}}) {
      Shape shape = Shape.of(dims);
      try (Tensor tensor = backend().tensor(DType.F32, shape);
          Tensor other = backend().tensor(DType.F32, shape);
          Tensor square = backend().tensor(DType.F32, Shape.of(0, 0))) {
        for (Fill fill : ELEMENTWISE) {
          tensor.fill(fill, KEY);
          tensor.fill(fill, KEY, Region.of(shape).slice(0, 0));
        }
        tensor.fill(Fill.orthogonal(1, Layout.KERAS), KEY);
        tensor.orthogonalityError(Layout.KERAS, 1);
        Matrix m = Matrix.of(tensor);
        try (PackedMatrix packed = backend().pack(m)) {
          assertThat(packed.rows()).isEqualTo(dims[0]);
        }
        try (PackedMatrix packed = backend().pack(m.transposed())) {
          assertThat(packed.rows()).isEqualTo(dims[1]);
        }
        if (dims[1] == 0) { // [M, 0]ᵀ·[M, 0]
          backend().gemm(1, m.transposed(), Matrix.of(other), 0, Matrix.of(square));
        } else {
          backend().gemm(1, m, Matrix.of(other).transposed(), 0, Matrix.of(square));
        }
        for (Activation f : new Activation[] {Activation.RELU, Activation.SOFTMAX}) {
          f.forward(tensor, other);
          f.backward(tensor, other, other);
        }
        assertThat(Loss.meanSquaredError().gradient(tensor, other, null)).isZero();
      }
    }
  }

  /** The last elements that a tensor may have. */
  @Test
  void theEndOfTheLargestTensorIsFilled() {
    long most = Long.MAX_VALUE;
    Fill identity = Fill.identity(3);
    assertElements(identity, Region.of(Shape.of(1, most)).slice(0, 3), 3, 0, 0);
    assertElements(identity, Region.of(Shape.of(1, most)).slice(most - 3, most), 0, 0, 0);
    assertElements(identity, Region.of(Shape.of(most, 1)).slice(most - 3, most), 0, 0, 0);
    long columns = (1L << 62) - 1;
    Region two = Region.of(Shape.of(2, columns));
    assertElements(identity, two.slice(columns, columns + 3), 0, 3, 0);
    assertElements(identity, two.slice(2 * columns - 2, 2 * columns), 0, 0);
    Fill index = Fill.custom((i, word) -> i - (most - 10));
    assertElements(index, Region.of(Shape.of(most)).slice(most - 3, most), 7, 8, 9);
  }

  private void assertElements(Fill fill, Region region, double... expected) {
    try (Tensor tensor = backend().tensor(DType.F64, region.shape())) {
      tensor.fill(fill, KEY, region);
      for (int i = 0; i < expected.length; i++) {
        assertThat(tensor.get(i)).as("%s of %s, %d", fill, region, i).isEqualTo(expected[i]);
      }
    }
  }

  @Test
  void aTensorOfRankZeroHasOneElement() {
    for (DType dtype : DType.values()) {
      try (Tensor tensor = backend().tensor(dtype, Shape.of())) {
        for (Fill fill : new Fill[] {Fill.constant(1.5), Fill.uniform(3, 4), Fill.normal(9, 1)}) {
          tensor.fill(fill, KEY);
          assertSame(
              copy(tensor),
              filled(backend(), fill, KEY, dtype, Region.of(Shape.of(1))),
              dtype,
              fill);
        }
      }
    }
  }

  @Test
  void confinedMemoryIsItsThreadsAlone() throws Exception {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(4_000_000);
      try (Tensor tensor = backend().wrap(memory, DType.F32, Shape.of(1000, 1000))) {
        for (Fill fill : ELEMENTWISE) {
          tensor.fill(fill, KEY); // with two threads the other must not touch it
        }
        tensor.fill(Fill.uniform(-1, 1), KEY);
        assertSame(
            memory,
            filled(backend(), Fill.uniform(-1, 1), KEY, DType.F32, Region.of(Shape.of(1_000_000))),
            DType.F32,
            "confined");
        List<Throwable> thrown = new ArrayList<>();
        Thread other =
            Thread.ofPlatform()
                .start(
                    () -> {
                      for (Fill fill : ELEMENTWISE) {
                        try {
                          tensor.fill(fill, KEY);
                        } catch (RuntimeException e) {
                          thrown.add(e);
                        }
                      }
                    });
        other.join();
        assertThat(thrown).hasSize(ELEMENTWISE.size());
        assertThat(thrown).allMatch(e -> e instanceof WrongThreadException);
        tensor.fill(Fill.constant(2), KEY);
        assertThat(tensor.get(999_999)).isEqualTo(2);
      }
    }
  }

  @Test
  void manyThreadsFillAtOnce() throws Exception {
    Region region = Region.of(Shape.of(120_001));
    List<Fill> fills =
        List.of(Fill.uniform(-1, 1), Fill.normal(0, 1), Fill.bits(), Fill.constant(3));
    List<MemorySegment> expected = new ArrayList<>();
    for (Fill fill : fills) {
      expected.add(filled(backend(), fill, KEY, DType.F32, region));
    }
    List<Executor> executors = new ArrayList<>();
    executors.add(null);
    ExecutorService pool = Executors.newFixedThreadPool(3);
    executors.add(pool);
    for (Executor executor : executors) {
      for (boolean virtual : new boolean[] {false, true}) {
        try (Backend shared = open(BackendOptions.DEFAULT.withThreads(3).withExecutor(executor));
            ExecutorService callers =
                virtual
                    ? Executors.newVirtualThreadPerTaskExecutor()
                    : Executors.newFixedThreadPool(8)) {
          List<Future<?>> results = new ArrayList<>();
          for (int i = 0; i < 64; i++) {
            int which = i % fills.size();
            results.add(
                callers.submit(
                    () ->
                        assertSame(
                            filled(shared, fills.get(which), KEY, DType.F32, region),
                            expected.get(which),
                            DType.F32,
                            fills.get(which))));
          }
          for (Future<?> result : results) {
            result.get();
          }
        }
      }
    }
    pool.shutdown();
  }

  @Test
  void aFillInsideAFillCompletes() {
    float[] inner = new float[100_000];
    try (Tensor tensor = backend().wrap(inner, Shape.of(inner.length));
        Tensor outer = backend().tensor(DType.F64, Shape.of(5000))) {
      Fill nesting =
          Fill.custom(
              (index, word) -> {
                if (index % 1000 == 500) {
                  synchronized (inner) {
                    tensor.fill(Fill.custom((i, w) -> w), KEY);
                  }
                }
                return word;
              });
      outer.fill(nesting, KEY);
      MemorySegment plain =
          filled(
              backend(),
              Fill.custom((index, word) -> word),
              KEY,
              DType.F64,
              Region.of(Shape.of(5000)));
      assertSame(copy(outer), plain, DType.F64, "custom that fills");
    }
  }

  @Test
  void anInterruptIsKeptAndHarmless() throws InterruptedException {
    Region region = Region.of(Shape.of(3_000_000));
    MemorySegment expected = filled(backend(), Fill.normal(0, 1), KEY, DType.F32, region);
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  Thread.currentThread().interrupt();
                  MemorySegment out = filled(backend(), Fill.normal(0, 1), KEY, DType.F32, region);
                  assertSame(out, expected, DType.F32, "interrupted");
                  sink = Thread.currentThread().isInterrupted();
                });
    thread.join();
    assertThat(sink).isEqualTo(true);
  }

  @Test
  void anExecutorCostsSpeedAlone() throws Exception {
    Region region = Region.of(Shape.of(500_003));
    Fill custom = Fill.custom((index, word) -> word); // on the host, also where others are not
    MemorySegment expected = filled(backend(), Fill.uniform(0, 1), KEY, DType.F32, region);
    MemorySegment words = filled(backend(), custom, KEY, DType.F32, region);
    Queue<Runnable> late = new ConcurrentLinkedQueue<>();
    Queue<Runnable> kept = new ArrayDeque<>();
    ExecutorService closed = Executors.newSingleThreadExecutor();
    closed.shutdown();
    try (ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
      Executor[] executors = {
        Runnable::run, // in the caller's thread, at once
        late::add, // after the fill
        kept::add, // never
        closed,
        virtual,
        task -> {
          throw new RejectedExecutionException("full");
        },
        task -> {
          throw new IllegalStateException("broken");
        },
        task -> {
          throw new OutOfMemoryError("unable to create native thread");
        },
        task -> {
          virtual.execute(task);
          virtual.execute(task); // twice
        }
      };
      for (Executor executor : executors) {
        try (Backend fresh = open(BackendOptions.DEFAULT.withThreads(4).withExecutor(executor))) {
          for (int repeat = 0; repeat < 3; repeat++) {
            assertSame(
                filled(fresh, Fill.uniform(0, 1), KEY, DType.F32, region),
                expected,
                DType.F32,
                "executor");
            assertSame(
                filled(fresh, custom, KEY, DType.F32, region),
                words,
                DType.F32,
                "executor, custom");
          }
        }
      }
    }
    late.forEach(Runnable::run); // shares of fills that are over
    assertThat(late).isNotEmpty();
  }

  @Test
  void backendsComeAndGoWithoutLeavingThreads() throws InterruptedException {
    for (int i = 0; i < 30; i++) {
      try (Backend fresh = open(4)) {
        filled(fresh, Fill.bits(), KEY, DType.F32, Region.of(Shape.of(300_000)));
      }
    }
    long left = Long.MAX_VALUE;
    for (int i = 0; i < 500 && left > 10; i++) {
      System.gc(); // cleaners end when they are found
      Thread.sleep(10);
      left =
          Thread.getAllStackTraces().keySet().stream()
              .filter(thread -> thread.getName().startsWith("weft"))
              .count();
    }
    assertThat(left).isLessThanOrEqualTo(10);
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
