package dev.weft.cpu.nn;

import dev.weft.cpu.dense.Epilogue;
import dev.weft.cpu.parallel.Spares;
import dev.weft.cpu.parallel.Workers;
import dev.weft.nn.Activation;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.nn.Optimizer;
import dev.weft.nn.Write;
import dev.weft.spi.StridedMatrix;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Supplier;

/**
 * The operations of layers and training on one element type: takes a task that is idle, runs it on
 * a team of threads, and puts it back.
 */
public final class Operations<A> {
  private static final int TASKS = 4; // kept of each kind, for as many callers at once
  private static final int TILES = 8; // of a thread

  private final ArrayType<A> type;
  private final Kernels<A> kernels;
  private final AtomicReferenceArray<ActivationKernel<A>> activations =
      new AtomicReferenceArray<>(Activation.Kind.values().length);
  private final Spares<Epilogue<A>> epilogues;
  private final Spares<ActivateTask<A>> activates;
  private final Spares<GradientTask<A>> gradients;
  private final Spares<SoftmaxTask<A>> softmaxes;
  private final Spares<CrossEntropyTask<A>> crossEntropies;
  private final Spares<ElementLossTask<A>> elementLosses;
  private final Spares<SquaresTask<A>> squares;
  private final Spares<UpdateTask<A>> updates;

  /**
   * Where the kernels come from.
   *
   * @param <A> {@code float[]} or {@code double[]}
   */
  public interface Kernels<A> {
    /** One activation of elements. */
    ActivationKernel<A> activation(Activation.Kind kind);

    /** One activation of elements in F64. */
    ActivationKernel<double[]> activationF64(Activation.Kind kind);

    /** The loops of softmax. */
    RowKernel<A> rows();

    /** The loops of optimizers. */
    UpdateKernel<A> update();
  }

  /** The operations, for at most {@code threads} threads of a team. */
  public Operations(ArrayType<A> type, Kernels<A> kernels, int threads) {
    this.type = type;
    this.kernels = kernels;
    Spares<A> tiles = new Spares<>(TILES * threads, () -> type.array(Task.TILE));
    Spares<double[]> doubles = new Spares<>(TILES * threads, () -> new double[Task.TILE]);
    Rows<A> rows = new Rows<>(type, kernels::rows);
    UpdateKernel<A> update = kernels.update();
    epilogues = spares(() -> new Epilogue<>(type));
    activates = spares(() -> new ActivateTask<>(type, tiles));
    gradients = spares(() -> new GradientTask<>(type, tiles));
    softmaxes = spares(() -> new SoftmaxTask<>(type, rows, tiles));
    crossEntropies = spares(() -> new CrossEntropyTask<>(type, rows, tiles));
    elementLosses =
        spares(
            () ->
                new ElementLossTask<>(
                    type,
                    tiles,
                    doubles,
                    kernels.activationF64(Activation.Kind.SOFTPLUS),
                    kernels.activationF64(Activation.Kind.SIGMOID)));
    squares = spares(() -> new SquaresTask<>(type, tiles, doubles));
    updates = spares(() -> new UpdateTask<>(type, update, tiles));
  }

  private static <T> Spares<T> spares(Supplier<T> maker) {
    return new Spares<>(TASKS, maker);
  }

  /** An epilogue for {@code c = f(c + bias) + residual}; {@link #give} takes it back. */
  public Epilogue<A> epilogue(
      MemorySegment bias, Activation f, MemorySegment z, MemorySegment residual, long columns) {
    Epilogue<A> epilogue = epilogues.take();
    epilogue.set(bias, kernel(f), f.alpha(), z, residual, columns);
    return epilogue;
  }

  /** Takes back what {@link #epilogue} gave. */
  public void give(Epilogue<A> epilogue) {
    epilogue.clear();
    epilogues.give(epilogue);
  }

  /** The kernel of an activation of elements; null for none. */
  private ActivationKernel<A> kernel(Activation f) {
    Activation.Kind kind = f.kind();
    if (kind == Activation.Kind.LINEAR || kind.ofRow()) {
      return null;
    }
    ActivationKernel<A> found = activations.get(kind.ordinal());
    if (found == null) {
      found = kernels.activation(kind);
      activations.set(kind.ordinal(), found);
    }
    return found;
  }

  /** {@code y = f(x)}. */
  public void activate(Workers team, Activation f, StridedMatrix x, StridedMatrix y) {
    MemorySegment from = x.buffer().segment();
    MemorySegment to = y.buffer().segment();
    if (f.kind().ofRow()) {
      boolean log = f.kind() == Activation.Kind.LOG_SOFTMAX;
      SoftmaxTask.Pass pass = log ? SoftmaxTask.Pass.LOG_SOFTMAX : SoftmaxTask.Pass.SOFTMAX;
      softmax(team, pass, from, null, to, x);
    } else if (f.kind() == Activation.Kind.LINEAR) {
      if (from != to) {
        long byteSize = type.dtype().byteSize(x.rows() * x.columns());
        MemorySegment.copy(from, 0, to, 0, byteSize);
      }
    } else {
      ActivateTask<A> task = activates.take();
      try {
        long chunks = task.prepare(kernel(f), f.alpha(), from, to, x.rows() * x.columns());
        team.run(chunks, task);
      } finally {
        task.clear();
        activates.give(task);
      }
    }
  }

  private void softmax(
      Workers team,
      SoftmaxTask.Pass pass,
      MemorySegment x,
      MemorySegment dy,
      MemorySegment out,
      StridedMatrix like) {
    SoftmaxTask<A> task = softmaxes.take();
    try {
      team.run(task.prepare(pass, x, dy, out, like.rows(), like.columns()), task);
    } finally {
      task.clear();
      softmaxes.give(task);
    }
  }

  /** {@code dz = dy·f'(z)}, and the sums of dz's columns. */
  public void activationGradient(
      Workers team,
      Activation f,
      StridedMatrix saved,
      StridedMatrix dy,
      StridedMatrix dz,
      MemorySegment db,
      Write write) {
    MemorySegment from = saved.buffer().segment();
    MemorySegment in = dy.buffer().segment();
    MemorySegment out = dz.buffer().segment();
    if (f.kind().ofRow()) {
      boolean log = f.kind() == Activation.Kind.LOG_SOFTMAX;
      SoftmaxTask.Pass pass =
          log ? SoftmaxTask.Pass.LOG_SOFTMAX_GRADIENT : SoftmaxTask.Pass.SOFTMAX_GRADIENT;
      softmax(team, pass, from, in, out, saved);
      if (db == null) {
        return;
      }
      in = out;
    } else if (f.kind() == Activation.Kind.LINEAR && db == null && in == out) {
      return;
    }
    GradientTask<A> task = gradients.take();
    try {
      boolean accumulate = write == Write.ACCUMULATE;
      long rows = saved.rows();
      long columns = saved.columns();
      int threads = team.threads();
      team.run(
          task.prepare(kernel(f), f.alpha(), from, in, out, db, accumulate, rows, columns, threads),
          task);
    } finally {
      task.clear();
      gradients.give(task);
    }
  }

  /** The mean loss; its gradient if that is not null. */
  public double loss(
      Workers team,
      Loss loss,
      StridedMatrix prediction,
      Labels labels,
      MemorySegment target,
      MemorySegment gradient) {
    long rows = prediction.rows();
    long columns = prediction.columns();
    if (rows == 0 || columns == 0) {
      return 0;
    }
    MemorySegment x = prediction.buffer().segment();
    if (loss instanceof Loss.SoftmaxCrossEntropy entropy) {
      CrossEntropyTask<A> task = crossEntropies.take();
      try {
        double smoothing = entropy.smoothing();
        team.run(task.prepare(x, labels, target, gradient, smoothing, rows, columns), task);
        return task.sum() / rows;
      } finally {
        task.clear();
        crossEntropies.give(task);
      }
    }
    ElementLossTask<A> task = elementLosses.take();
    try {
      team.run(task.prepare(loss, x, target, gradient, rows * columns), task);
      return task.sum() / (rows * columns);
    } finally {
      task.clear();
      elementLosses.give(task);
    }
  }

  /** Σ (x·unit)². */
  public double sumOfSquares(Workers team, MemorySegment x, long count, double unit) {
    SquaresTask<A> task = squares.take();
    try {
      team.run(task.prepare(x, count, unit), task);
      return task.sum();
    } finally {
      task.clear();
      squares.give(task);
    }
  }

  /**
   * One step of an optimizer.
   *
   * @param squares what {@link dev.weft.spi.NnEngine#sumOfSquares} gave; null to clip nothing
   * @param clip the largest norm
   */
  public void update(
      Workers team,
      Optimizer optimizer,
      long step,
      MemorySegment squares,
      double clip,
      MemorySegment w,
      MemorySegment g,
      MemorySegment slot1,
      MemorySegment slot2,
      long count) {
    UpdateTask<A> task = updates.take();
    try {
      team.run(task.prepare(optimizer, step, squares, clip, w, g, slot1, slot2, count), task);
    } finally {
      task.clear();
      updates.give(task);
    }
  }
}
