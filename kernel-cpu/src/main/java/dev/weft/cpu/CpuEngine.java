package dev.weft.cpu;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;

import dev.weft.BackendInfo;
import dev.weft.BackendOptions;
import dev.weft.DType;
import dev.weft.MemoryInfo;
import dev.weft.Region;
import dev.weft.cpu.memory.HostMemory;
import dev.weft.cpu.parallel.Workers;
import dev.weft.init.Fill;
import dev.weft.nn.Activation;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.nn.Optimizer;
import dev.weft.nn.Write;
import dev.weft.random.RandomKey;
import dev.weft.spi.Buffer;
import dev.weft.spi.Engine;
import dev.weft.spi.StridedMatrix;
import dev.weft.spi.fill.StreamFill;
import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.util.concurrent.atomic.AtomicReference;

/** The CPU backend, scalar or SIMD by its kernels. */
final class CpuEngine implements Engine {
  private final BackendInfo info;
  private final FillKernels kernels;
  private final boolean gradual; // scalar code until the compiler has vectors
  private final HostMemory memory;
  private final Workers workers;
  private final Workers alone = new Workers(1, null);
  private final AtomicReference<FillTask> idleTask = new AtomicReference<>();
  private volatile TypedOperations<?> operationsF32;
  private volatile TypedOperations<?> operationsF64;
  private volatile OrthogonalFill orthogonal;
  private volatile Plan lastPlan = new Plan(new WeakReference<>(null), null, null, null);

  CpuEngine(BackendInfo info, FillKernels kernels, int threads, BackendOptions options) {
    this.info = info;
    this.kernels = kernels;
    this.memory = new HostMemory(options.memoryLimit());
    this.workers = new Workers(threads, options.executor());
    this.gradual = options.vectorBits() == 0 && kernels.vectorBits() > 0;
  }

  @Override
  public BackendInfo info() {
    return info;
  }

  @Override
  public MemoryInfo memory() {
    return memory.info();
  }

  @Override
  public Buffer allocate(long byteSize) {
    return memory.allocate(byteSize);
  }

  @Override
  public Buffer wrap(MemorySegment segment) {
    return new CallerMemory(segment);
  }

  @Override
  public void fill(Fill fill, RandomKey key, DType dtype, Region region, Buffer out) {
    MemorySegment segment = out.segment();
    Workers team = team(out);
    switch (fill) {
      case Fill.Orthogonal f -> orthogonal().fill(f, key, dtype, region, segment, team);
      case Fill.DeltaOrthogonal f -> orthogonal().fill(f, key, dtype, region, segment, team);
      default -> fillElements(fill, key, dtype, region, segment, team);
    }
  }

  private void fillElements(
      Fill fill, RandomKey key, DType dtype, Region region, MemorySegment segment, Workers team) {
    FillTask task = idleTask.getAndSet(null);
    if (task == null) {
      task = new FillTask(kernels);
    }
    long chunks =
        task.prepare(fill, plan(fill, key, dtype), dtype, region, segment, team.threads());
    try {
      team.run(chunks, task);
    } finally {
      task.clear();
      idleTask.set(task);
    }
  }

  @Override
  public void gemm(
      DType dtype, double alpha, StridedMatrix a, StridedMatrix b, double beta, StridedMatrix c) {
    Workers team = team(a.buffer(), b.buffer(), c.buffer(), null);
    operations(dtype).gemm(team, alpha, a, b, beta, c, null);
  }

  @Override
  public void gemm(
      DType dtype, double alpha, StridedMatrix a, Buffer b, double beta, StridedMatrix c) {
    Workers team = team(a.buffer(), c.buffer(), null, null);
    operations(dtype).gemm(team, alpha, a, b, beta, c);
  }

  @Override
  public Buffer pack(StridedMatrix b) {
    return operations(b.dtype() == DType.F64 ? DType.F64 : DType.F32).pack(b, memory);
  }

  @Override
  public void dense(
      DType dtype,
      StridedMatrix x,
      StridedMatrix w,
      Buffer bias,
      Activation f,
      StridedMatrix z,
      StridedMatrix residual,
      StridedMatrix y) {
    Workers team = team(x.buffer(), w.buffer(), bias, y.buffer());
    if (z != null && CallerMemory.isConfined(z.buffer())
        || residual != null && CallerMemory.isConfined(residual.buffer())) {
      team = alone;
    }
    operations(dtype).dense(team, x, w, segment(bias), f, segment(z), segment(residual), y);
  }

  @Override
  public void activate(DType dtype, Activation f, StridedMatrix x, StridedMatrix y) {
    Workers team = team(x.buffer(), y.buffer(), null, null);
    operations(dtype).elements().activate(team, f, x, y);
  }

  @Override
  public void activationGradient(
      DType dtype,
      Activation f,
      StridedMatrix saved,
      StridedMatrix dy,
      StridedMatrix dz,
      Buffer db,
      Write write) {
    Workers team = team(saved.buffer(), dy.buffer(), dz.buffer(), db);
    operations(dtype).elements().activationGradient(team, f, saved, dy, dz, segment(db), write);
  }

  @Override
  public void loss(
      DType dtype,
      Loss loss,
      StridedMatrix prediction,
      Labels labels,
      StridedMatrix target,
      StridedMatrix gradient,
      Buffer value) {
    Buffer targets = target == null ? null : target.buffer();
    Buffer gradients = gradient == null ? null : gradient.buffer();
    Workers team = team(prediction.buffer(), targets, gradients, value);
    if (labels != null && !labels.segment().isAccessibleBy(CallerMemory.OTHER)) {
      team = alone;
    }
    double mean =
        operations(dtype)
            .elements()
            .loss(team, loss, prediction, labels, segment(target), segment(gradient));
    value.segment().set(JAVA_DOUBLE_UNALIGNED, 0, mean);
  }

  @Override
  public void sumOfSquares(DType dtype, long count, Buffer x, Write write, Buffer sum) {
    Workers team = team(x, sum, null, null);
    addSquares(team, dtype, count, x, 1, write, sum, 0);
    if (dtype == DType.F64) {
      addSquares(team, dtype, count, x, SHRINK, write, sum, 1);
      addSquares(team, dtype, count, x, GROW, write, sum, 2);
    }
  }

  private void addSquares(
      Workers team,
      DType dtype,
      long count,
      Buffer x,
      double unit,
      Write write,
      Buffer sum,
      long index) {
    long at = Double.BYTES * index;
    double squares = operations(dtype).elements().sumOfSquares(team, x.segment(), count, unit);
    double old = write == Write.ACCUMULATE ? sum.segment().get(JAVA_DOUBLE_UNALIGNED, at) : 0;
    sum.segment().set(JAVA_DOUBLE_UNALIGNED, at, old + squares);
  }

  @Override
  public void update(
      DType dtype,
      Optimizer optimizer,
      long step,
      long count,
      Buffer parameters,
      Buffer gradients,
      Buffer slot1,
      Buffer slot2,
      Buffer squares,
      double clip) {
    Workers team = team(parameters, gradients, slot1, slot2);
    operations(dtype)
        .elements()
        .update(
            team,
            optimizer,
            step,
            segment(squares),
            clip,
            parameters.segment(),
            gradients.segment(),
            segment(slot1),
            segment(slot2),
            count);
  }

  private TypedOperations<?> operations(DType dtype) {
    boolean f32 = dtype == DType.F32;
    TypedOperations<?> made = f32 ? operationsF32 : operationsF64;
    if (made == null) {
      int bits = kernels.vectorBits();
      int threads = workers.threads();
      if (f32) {
        made = TypedOperations.f32(bits, gradual, threads);
        operationsF32 = made;
      } else {
        made = TypedOperations.f64(bits, gradual, threads);
        operationsF64 = made;
      }
    }
    return made;
  }

  private static MemorySegment segment(Buffer buffer) {
    return buffer == null ? null : buffer.segment();
  }

  private static MemorySegment segment(StridedMatrix matrix) {
    return matrix == null ? null : matrix.buffer().segment();
  }

  @Override
  public double orthogonalityError(
      DType dtype, long rows, long columns, double gain, Buffer matrix) {
    return orthogonal().error(dtype, rows, columns, gain, matrix.segment(), team(matrix));
  }

  private OrthogonalFill orthogonal() {
    OrthogonalFill made = orthogonal;
    if (made == null) {
      made = new OrthogonalFill(kernels, memory);
      orthogonal = made;
    }
    return made;
  }

  @Override
  public void close() {
    workers.close();
  }

  /**
   * The random part of a fill; the last one is kept, so that a repeated fill plans and allocates
   * nothing.
   */
  private StreamFill plan(Fill fill, RandomKey key, DType dtype) {
    Plan last = lastPlan;
    if (last.dtype == dtype && key.equals(last.key) && fill.equals(last.fill.get())) {
      return last.stream;
    }
    StreamFill stream = StreamFill.of(fill, dtype, key);
    lastPlan = new Plan(new WeakReference<>(fill), key, dtype, stream);
    return stream;
  }

  /** The threads that may work on this memory: the caller's alone if the memory belongs to it. */
  private Workers team(Buffer buffer) {
    return CallerMemory.isConfined(buffer) ? alone : workers;
  }

  /** The threads that may work on all of these; any may be null. */
  private Workers team(Buffer a, Buffer b, Buffer c, Buffer d) {
    boolean confined =
        CallerMemory.isConfined(a)
            || CallerMemory.isConfined(b)
            || CallerMemory.isConfined(c)
            || CallerMemory.isConfined(d);
    return confined ? alone : workers;
  }

  /** The fill may hold a caller's function, which may hold the backend. */
  private record Plan(WeakReference<Fill> fill, RandomKey key, DType dtype, StreamFill stream) {}
}
