package dev.weft.cpu.nn;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * An activation by the scalar kernel for as long as that is faster, then by the vector kernel; both
 * give the same bits.
 *
 * <p>Until the JVM's optimizing compiler has a vector loop, it is a hundred times slower than
 * scalar code. So nothing is compiled for little work; and when it is, one thread provokes it, by
 * trials that take no more time than scalar work between them.
 */
public final class GradualActivation<A> implements ActivationKernel<A> {
  /** Scalar elements after which vectors may pay: some milliseconds of work. */
  private static final long ENOUGH = 1 << 19;

  /** Elements of a trial of the forward loop. */
  private static final int TRIAL = 256;

  /** Calls without elements before each trial: they count towards compilation as well. */
  private static final int IDLE_CALLS = 50;

  private final Supplier<ActivationKernel<A>> loader;
  private final ActivationKernel<A> scalar;
  private final Progress forward = new Progress();
  private final Progress backward = new Progress();
  private ActivationKernel<A> vector; // loaded when it is first tried; a race loads it twice

  /**
   * The two kernels of one activation.
   *
   * @param vector loads the one, which takes some tenths of a second
   */
  public GradualActivation(Supplier<ActivationKernel<A>> vector, ActivationKernel<A> scalar) {
    this.loader = vector;
    this.scalar = scalar;
  }

  private ActivationKernel<A> vector() {
    ActivationKernel<A> kernel = vector;
    if (kernel == null) {
      kernel = loader.get();
      vector = kernel;
    }
    return kernel;
  }

  @Override
  public void forward(A x, int at, int count, double alpha) {
    int done = 0;
    if (forward.claim(count)) {
      try {
        ActivationKernel<A> vector = vector();
        done = Math.min(count, TRIAL);
        for (int i = 0; i < IDLE_CALLS; i++) {
          vector.forward(x, at, 0, alpha);
        }
        long start = System.nanoTime();
        vector.forward(x, at, done, alpha);
        forward.trial(System.nanoTime() - start, done);
      } finally {
        forward.release();
      }
    }
    if (forward.fast) {
      vector.forward(x, at + done, count - done, alpha);
    } else {
      long start = System.nanoTime();
      scalar.forward(x, at + done, count - done, alpha);
      forward.scalar(System.nanoTime() - start, count - done);
    }
  }

  @Override
  public void backward(A saved, A d, int count, double alpha) {
    if (backward.fast) {
      vector.backward(saved, d, count, alpha);
    } else if (backward.claim(count)) {
      try {
        ActivationKernel<A> vector = vector();
        for (int i = 0; i < IDLE_CALLS; i++) {
          vector.backward(saved, d, 0, alpha);
        }
        long start = System.nanoTime();
        vector.backward(saved, d, count, alpha);
        backward.trial(System.nanoTime() - start, count);
      } finally {
        backward.release();
      }
    } else {
      long start = System.nanoTime();
      scalar.backward(saved, d, count, alpha);
      backward.scalar(System.nanoTime() - start, count);
    }
  }

  /** How far the JVM is with one loop. What threads race for costs speed alone. */
  private static final class Progress {
    private static final int LEAST = 64; // elements whose time says something

    /** How much longer than scalar code a trial may take: the clock, and a loop of few turns. */
    private static final long ALLOWANCE_NANOS = 300;

    private final AtomicBoolean claimed = new AtomicBoolean();
    private volatile boolean fast;
    private long elements;
    private long nextTrial = ENOUGH;
    private double scalarNanos; // of an element; 0 until measured

    boolean claim(int count) {
      return !fast && elements >= nextTrial && count >= LEAST && claimed.compareAndSet(false, true);
    }

    void release() {
      claimed.set(false);
    }

    void scalar(long nanos, int count) {
      elements += count;
      if (count >= LEAST) {
        double measured = (double) nanos / count;
        scalarNanos = scalarNanos == 0 ? measured : Math.min(scalarNanos, measured);
      }
    }

    /** After a slow trial the scalar kernel works for as long as it took. */
    void trial(long nanos, int count) {
      fast = scalarNanos > 0 && nanos < count * scalarNanos + ALLOWANCE_NANOS;
      nextTrial = elements + (scalarNanos > 0 ? (long) (nanos / scalarNanos) : ENOUGH);
    }
  }
}
