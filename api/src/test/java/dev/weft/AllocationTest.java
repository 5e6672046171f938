package dev.weft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(600)
class AllocationTest {
  /** As a backend closes while the garbage collector has just found a lost tensor. */
  @Test
  void whoClosesItSecondWaitsUntilItHasGone() throws InterruptedException {
    Set<Allocation> open = ConcurrentHashMap.newKeySet();
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    AtomicInteger released = new AtomicInteger();
    Allocation allocation =
        new Allocation(
            () -> {
              begun.countDown();
              await(end);
              released.incrementAndGet();
            },
            "memory",
            open);
    Object owner = new Object();
    allocation.watch(new Cleaning(), owner);
    Thread first = Thread.ofPlatform().start(allocation::close);
    begun.await();
    AtomicInteger seen = new AtomicInteger(-1);
    Thread second =
        Thread.ofPlatform()
            .start(
                () -> {
                  open.forEach(Allocation::reportAndClose);
                  seen.set(released.get());
                });
    while (second.getState() != Thread.State.BLOCKED) {
      assertThat(second.isAlive()).as("it waits").isTrue();
      Thread.onSpinWait();
    }
    end.countDown();
    first.join();
    second.join();
    assertThat(seen).hasValue(1);
    assertThat(released).hasValue(1);
    assertThat(open).isEmpty();
    assertThat(owner).as("reachable so far").isNotNull();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
