package dev.weft.cpu.nn;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * An activation by the scalar kernel for as long as that is faster, then by the vector kernel; both
 * give the same bits.
 *
 * <p>Until the JVM's optimizing compiler has a vector loop, it is a hundred times slower than
 * scalar code. So nothing is compiled for little work; and when it is, one thread provokes it, by
 * trials with pauses between them.
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
    if (forward.fast) {
      vector().forward(x, at, count, alpha);
      return;
    }
    long begin = System.nanoTime();
    int done = 0;
    if (forward.claim(count, begin)) {
      try {
        ActivationKernel<A> vector = vector();
        for (int i = 0; i < IDLE_CALLS; i++) {
          vector.forward(x, at, 0, alpha);
        }
        done = Math.min(count, TRIAL);
        long start = System.nanoTime();
        vector.forward(x, at, done, alpha);
        forward.trial(begin, start, done);
      } finally {
        forward.release();
      }
      begin = System.nanoTime();
    }
    scalar.forward(x, at + done, count - done, alpha);
    forward.scalar(System.nanoTime() - begin, count - done);
  }

  @Override
  public void backward(A saved, A d, int count, double alpha) {
    if (backward.fast) {
      vector().backward(saved, d, count, alpha);
      return;
    }
    long begin = System.nanoTime();
    if (backward.claim(count, begin)) {
      try {
        ActivationKernel<A> vector = vector();
        for (int i = 0; i < IDLE_CALLS; i++) {
          vector.backward(saved, d, 0, alpha);
        }
        long start = System.nanoTime();
        vector.backward(saved, d, count, alpha);
        backward.trial(begin, start, count);
      } finally {
        backward.release();
      }
    } else {
      scalar.backward(saved, d, count, alpha);
      backward.scalar(System.nanoTime() - begin, count);
    }
  }

  /** How far the JVM is with one loop. What threads race for costs speed alone. */
  private static final class Progress {
    private static final int LEAST = 64; // elements whose time says something

    /** How much longer than scalar code a trial may take: the clock, and a loop of few turns. */
    private static final long ALLOWANCE_NANOS = 300;

    /** Time between two trials, in lengths of the last: they slow what goes on by a fifth. */
    private static final int PAUSE = 4;

    private final AtomicBoolean claimed = new AtomicBoolean();
    private volatile boolean fast;
    private long elements;
    private long pauseEnd = System.nanoTime();
    private double scalarNanos; // of an element; 0 until measured

    boolean claim(int count, long now) {
      return elements >= ENOUGH
          && now - pauseEnd >= 0
          && count >= LEAST
          && scalarNanos > 0
          && claimed.compareAndSet(false, true);
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

    /**
     * Ends a trial.
     *
     * @param begin of the idle calls
     * @param start of the elements
     */
    void trial(long begin, long start, int count) {
      long end = System.nanoTime();
      fast = end - start < count * scalarNanos + ALLOWANCE_NANOS;
      pauseEnd = end + PAUSE * (end - begin);
    }
  }
}
