package dev.weft.cpu.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(600)
class WorkersTest {
  private static final int CHUNKS = 1000;

  @Test
  void thePoolRunsEveryChunkOnce() {
    try (Workers workers = new Workers(4, null)) {
      for (int round = 0; round < 2000; round++) {
        assertRunsEveryChunkOnce(workers, round % 40);
      }
    }
  }

  @Test
  void everyKindOfExecutorRunsEveryChunkOnce() {
    Executor inline = Runnable::run;
    Executor never = task -> {};
    Executor rejects =
        task -> {
          throw new RejectedExecutionException();
        };
    Executor twice =
        task -> {
          task.run();
          task.run();
        };
    Executor late = task -> Thread.ofVirtual().start(task);
    for (Executor executor : new Executor[] {inline, never, rejects, twice, late}) {
      try (Workers workers = new Workers(3, executor)) {
        for (int round = 0; round < 200; round++) {
          assertRunsEveryChunkOnce(workers, CHUNKS);
        }
      }
    }
  }

  @Test
  void severalCallersShareOnePool() throws InterruptedException {
    try (Workers workers = new Workers(2, null)) {
      AtomicInteger failures = new AtomicInteger();
      Thread[] callers = new Thread[8];
      for (int i = 0; i < callers.length; i++) {
        Thread.Builder builder = i % 2 == 0 ? Thread.ofVirtual() : Thread.ofPlatform();
        callers[i] =
            builder.start(
                () -> {
                  try {
                    for (int round = 0; round < 200; round++) {
                      assertRunsEveryChunkOnce(workers, 20);
                    }
                  } catch (Throwable e) {
                    failures.incrementAndGet();
                  }
                });
      }
      for (Thread caller : callers) {
        caller.join();
      }
      assertThat(failures).hasValue(0);
    }
  }

  @Test
  void anExceptionReachesTheCallerAndThePoolLivesOn() {
    try (Workers workers = new Workers(3, null)) {
      for (int round = 0; round < 100; round++) {
        assertThatThrownBy(
                () ->
                    workers.run(
                        CHUNKS,
                        i -> {
                          if (i == 17) {
                            throw new IllegalStateException("chunk 17");
                          }
                        }))
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("chunk 17");
        assertRunsEveryChunkOnce(workers, CHUNKS);
      }
    }
  }

  @Test
  void thePoolReallyRunsBeside() throws InterruptedException {
    try (Workers workers = new Workers(2, null)) {
      CountDownLatch both = new CountDownLatch(2);
      AtomicInteger met = new AtomicInteger();
      workers.run(
          2,
          i -> {
            both.countDown();
            try {
              if (both.await(30, TimeUnit.SECONDS)) {
                met.incrementAndGet();
              }
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
      assertThat(met).hasValue(2);
    }
  }

  @Test
  void anInterruptIsKept() {
    try (Workers workers = new Workers(2, null)) {
      Thread.currentThread().interrupt();
      assertRunsEveryChunkOnce(workers, CHUNKS);
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void aClosedPoolLeavesTheWorkToTheCaller() {
    Workers workers = new Workers(2, null);
    workers.close();
    assertRunsEveryChunkOnce(workers, CHUNKS);
  }

  /** What an executor may throw that has already given a thread of its own a share. */
  @Test
  void whatAnExecutorThrowsLeavesNobodyAtWork() {
    Throwable[] faults = {
      new OutOfMemoryError("unable to create native thread"),
      new StackOverflowError(),
      new IllegalStateException("broken"),
      new AssertionError("broken"),
      new IOException("sneaky")
    };
    for (Throwable fault : faults) {
      AtomicInteger calls = new AtomicInteger();
      Executor executor =
          task -> {
            if (calls.getAndIncrement() % 2 == 0) {
              Thread.ofPlatform().daemon().start(task);
            } else {
              throw WorkersTest.<RuntimeException>sneaky(fault);
            }
          };
      boolean costsSpeedAlone =
          fault instanceof RuntimeException || fault instanceof VirtualMachineError;
      try (Workers workers = new Workers(4, executor)) {
        for (int round = 0; round < 100; round++) {
          Activity activity = new Activity();
          Throwable thrown = thrown(() -> workers.run(CHUNKS, activity));
          activity.assertEnded();
          if (costsSpeedAlone) {
            assertThat(thrown).isNull();
            assertThat(activity.calls).hasValue(CHUNKS);
          } else {
            assertThat(thrown).isSameAs(fault);
          }
        }
      }
    }
  }

  @Test
  void aTaskOfAnotherRoundDoesNothing() {
    List<Runnable> kept = new ArrayList<>();
    try (Workers workers = new Workers(3, kept::add)) {
      assertRunsEveryChunkOnce(workers, CHUNKS);
      Activity second = new Activity();
      workers.run(
          CHUNKS,
          i -> {
            if (i == 0) {
              List.copyOf(kept).forEach(Runnable::run); // of this round and of the one before
            }
            second.run(i);
          });
      second.assertEnded();
      assertThat(second.calls).hasValue(CHUNKS);
    }
  }

  @Test
  void whateverABodyThrowsReachesTheCallerWhenAllHaveEnded() throws Exception {
    Throwable[] faults = {
      new IOException("checked"),
      new Throwable("bare"),
      new AssertionError("error"),
      new OutOfMemoryError("heap"),
      new StackOverflowError(),
      new IllegalArgumentException("runtime")
    };
    for (Executor executor : new Executor[] {null, task -> Thread.ofPlatform().start(task)}) {
      try (Workers workers = new Workers(2, executor)) {
        Thread caller = Thread.currentThread();
        for (Throwable fault : faults) {
          for (boolean byCaller : new boolean[] {false, true}) {
            CountDownLatch both = new CountDownLatch(2); // else the other may never come
            Activity activity = new Activity();
            Throwable thrown =
                thrown(
                    () ->
                        workers.run(
                            CHUNKS,
                            i -> {
                              boolean first = Thread.currentThread() == caller == byCaller;
                              if (i < 2) {
                                both.countDown();
                                awaitQuietly(both);
                              }
                              if (first) {
                                throw WorkersTest.<RuntimeException>sneaky(fault);
                              }
                              activity.run(i);
                            }));
            activity.assertEnded();
            assertThat(thrown).isSameAs(fault);
            assertRunsEveryChunkOnce(workers, CHUNKS);
          }
        }
      }
    }
  }

  /** From every depth of a stack on which the rest of an operation may not have room. */
  @Test
  void aFullStackLeavesNobodyAtWork() throws InterruptedException {
    for (Executor executor :
        new Executor[] {null, task -> Thread.ofPlatform().daemon().start(task), Runnable::run}) {
      try (Workers workers = new Workers(3, executor)) {
        AtomicReference<Throwable> wrong = new AtomicReference<>();
        int[] tries = {0};
        Thread deep =
            Thread.ofPlatform()
                .unstarted(
                    () -> {
                      try {
                        onTheWayUp(
                            () -> {
                              if (tries[0]++ < 400) {
                                Activity others = new Activity();
                                Thread caller = Thread.currentThread();
                                Workers.Body body =
                                    i -> {
                                      if (Thread.currentThread() != caller) {
                                        others.run(i);
                                      }
                                    };
                                Throwable thrown = thrown(() -> workers.run(8, body));
                                if (others.active.get() != 0) {
                                  wrong.compareAndSet(null, new AssertionError("at work"));
                                }
                                if (thrown != null && !(thrown instanceof StackOverflowError)) {
                                  wrong.compareAndSet(null, thrown);
                                }
                              }
                            });
                      } catch (Throwable e) {
                        wrong.compareAndSet(null, e);
                      }
                    });
        deep.start();
        deep.join();
        assertThat(wrong.get()).isNull();
        assertThat(tries[0]).isGreaterThan(100);
        assertRunsEveryChunkOnce(workers, CHUNKS);
      }
    }
  }

  /** Fills the stack, then calls {@code action} from each depth on the way back. */
  private static void onTheWayUp(Runnable action) {
    try {
      onTheWayUp(action);
    } catch (StackOverflowError e) {
      // the deepest there is
    }
    try {
      action.run();
    } catch (StackOverflowError e) {
      // no room even for the test
    }
  }

  @Test
  void withoutThreadsTheOthersDoTheWork() throws InterruptedException {
    AtomicInteger free = new AtomicInteger(1);
    AtomicInteger tries = new AtomicInteger();
    List<Thread> made = new ArrayList<>();
    ThreadFactory factory =
        task -> {
          Thread thread =
              new Thread(task) {
                @Override
                public void start() {
                  tries.incrementAndGet();
                  if (free.getAndDecrement() <= 0) {
                    throw new OutOfMemoryError("unable to create native thread");
                  }
                  super.start();
                }
              };
          thread.setDaemon(true);
          made.add(thread);
          return thread;
        };
    long delay = 50_000_000;
    Workers workers = new Workers(4, null, factory, delay);
    long begin = System.nanoTime();
    assertRunsEveryChunkOnce(workers, CHUNKS);
    assertThat(tries).hasValue(2);
    for (int i = 0; i < 10; i++) {
      assertRunsEveryChunkOnce(workers, CHUNKS);
    }
    long soon = System.nanoTime() - begin;
    assertThat(soon < delay ? tries.get() : 2).as("tries at no cost of a call").isEqualTo(2);
    free.set(100);
    while (tries.get() < 4) {
      Thread.sleep(5);
      assertRunsEveryChunkOnce(workers, CHUNKS);
    }
    assertThat(made.stream().filter(Thread::isAlive)).as("all that there may be").hasSize(3);
    workers.close();
    for (Thread thread : made) {
      thread.join();
    }
  }

  @SuppressWarnings("unchecked") // T is only what the compiler believes
  private static <T extends Throwable> T sneaky(Throwable e) throws T {
    throw (T) e;
  }

  private static Throwable thrown(Runnable action) {
    try {
      action.run();
      return null;
    } catch (Throwable e) {
      return e;
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await(30, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Chunks that take a while, and who is in one of them. */
  private static final class Activity implements Workers.Body {
    final AtomicInteger active = new AtomicInteger();
    final AtomicInteger calls = new AtomicInteger();

    @Override
    public void run(long index) {
      active.incrementAndGet();
      calls.incrementAndGet();
      for (long end = System.nanoTime() + 1000; System.nanoTime() < end; ) {
        Thread.onSpinWait();
      }
      active.decrementAndGet();
    }

    void assertEnded() {
      int before = calls.get();
      assertThat(active).hasValue(0);
      Thread.yield();
      assertThat(calls).hasValue(before);
    }
  }

  private static void assertRunsEveryChunkOnce(Workers workers, int chunks) {
    AtomicIntegerArray runs = new AtomicIntegerArray(chunks);
    workers.run(chunks, i -> runs.incrementAndGet((int) i));
    for (int i = 0; i < chunks; i++) {
      assertThat(runs.get(i)).isEqualTo(1);
    }
  }
}
