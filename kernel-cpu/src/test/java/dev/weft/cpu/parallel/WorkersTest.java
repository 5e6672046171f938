package dev.weft.cpu.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
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

  private static void assertRunsEveryChunkOnce(Workers workers, int chunks) {
    AtomicIntegerArray runs = new AtomicIntegerArray(chunks);
    workers.run(chunks, i -> runs.incrementAndGet((int) i));
    for (int i = 0; i < chunks; i++) {
      assertThat(runs.get(i)).isEqualTo(1);
    }
  }
}
