package dev.weft.bench;

import dev.weft.DType;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.function.LongToDoubleFunction;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;

/**
 * The rate at which multiply-adds can be done in registers: no product of matrices can be faster.
 * Ten chains of the widest vectors hide their latency of four or five cycles on two units.
 */
final class FmaRoof {
  private static final int CHAINS = 10;
  private static final int STEPS = 1 << 14;
  private static final int ROUNDS = 12;
  private static final long NANOS = 15_000_000;

  private FmaRoof() {}

  /** Operations per second, two for each multiply-add, that {@code threads} threads do together. */
  static double flopPerSecond(DType dtype, int threads) {
    LongToDoubleFunction chains = dtype == DType.F64 ? FmaRoof::doubles : FmaRoof::floats;
    int lanes =
        dtype == DType.F64
            ? DoubleVector.SPECIES_PREFERRED.length()
            : FloatVector.SPECIES_PREFERRED.length();
    double best = 0;
    for (int r = 0; r < ROUNDS; r++) {
      best = Math.max(best, round(chains, 2.0 * CHAINS * lanes * STEPS, threads));
    }
    return best;
  }

  private static double round(LongToDoubleFunction chains, double flop, int threads) {
    double[] rates = new double[threads];
    CountDownLatch ready = new CountDownLatch(threads);
    Thread[] team = new Thread[threads];
    for (int t = 0; t < threads; t++) {
      int me = t;
      team[t] =
          new Thread(
              () -> {
                ready.countDown();
                while (ready.getCount() > 0) {
                  Thread.onSpinWait();
                }
                long calls = 0;
                double sum = 0;
                long start = System.nanoTime();
                long now;
                do {
                  sum += chains.applyAsDouble(STEPS);
                  calls++;
                  now = System.nanoTime();
                } while (now - start < NANOS);
                rates[me] = sum == 0 ? 0 : calls * flop * 1e9 / (now - start);
              },
              "fma-roof-" + t);
      team[t].start();
    }
    for (Thread thread : team) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("roof: need an undisturbed measurement", e);
      }
    }
    return Arrays.stream(rates).sum();
  }

  private static double floats(long steps) {
    FloatVector x = FloatVector.broadcast(FloatVector.SPECIES_PREFERRED, 0.999f);
    FloatVector y = FloatVector.broadcast(FloatVector.SPECIES_PREFERRED, 0.001f);
    FloatVector c0 = y;
    FloatVector c1 = y;
    FloatVector c2 = y;
    FloatVector c3 = y;
    FloatVector c4 = y;
    FloatVector c5 = y;
    FloatVector c6 = y;
    FloatVector c7 = y;
    FloatVector c8 = y;
    FloatVector c9 = y;
    for (long i = 0; i < steps; i++) {
      c0 = c0.fma(x, y);
      c1 = c1.fma(x, y);
      c2 = c2.fma(x, y);
      c3 = c3.fma(x, y);
      c4 = c4.fma(x, y);
      c5 = c5.fma(x, y);
      c6 = c6.fma(x, y);
      c7 = c7.fma(x, y);
      c8 = c8.fma(x, y);
      c9 = c9.fma(x, y);
    }
    FloatVector sum = c0.add(c1).add(c2).add(c3).add(c4).add(c5).add(c6).add(c7).add(c8).add(c9);
    return sum.lane(0);
  }

  private static double doubles(long steps) {
    DoubleVector x = DoubleVector.broadcast(DoubleVector.SPECIES_PREFERRED, 0.999);
    DoubleVector y = DoubleVector.broadcast(DoubleVector.SPECIES_PREFERRED, 0.001);
    DoubleVector c0 = y;
    DoubleVector c1 = y;
    DoubleVector c2 = y;
    DoubleVector c3 = y;
    DoubleVector c4 = y;
    DoubleVector c5 = y;
    DoubleVector c6 = y;
    DoubleVector c7 = y;
    DoubleVector c8 = y;
    DoubleVector c9 = y;
    for (long i = 0; i < steps; i++) {
      c0 = c0.fma(x, y);
      c1 = c1.fma(x, y);
      c2 = c2.fma(x, y);
      c3 = c3.fma(x, y);
      c4 = c4.fma(x, y);
      c5 = c5.fma(x, y);
      c6 = c6.fma(x, y);
      c7 = c7.fma(x, y);
      c8 = c8.fma(x, y);
      c9 = c9.fma(x, y);
    }
    DoubleVector sum = c0.add(c1).add(c2).add(c3).add(c4).add(c5).add(c6).add(c7).add(c8).add(c9);
    return sum.lane(0);
  }
}
