package dev.weft.cpu;

import dev.weft.BackendInfo;
import dev.weft.BackendOptions;
import dev.weft.DType;
import dev.weft.MemoryInfo;
import dev.weft.Region;
import dev.weft.cpu.memory.HostMemory;
import dev.weft.cpu.parallel.Workers;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import dev.weft.spi.Buffer;
import dev.weft.spi.Engine;
import dev.weft.spi.StridedMatrix;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReference;

/** The CPU backend, scalar or SIMD by its kernels. */
final class CpuEngine implements Engine {
  private final BackendInfo info;
  private final FillKernels kernels;
  private final HostMemory memory;
  private final Workers workers;
  private final Workers alone = new Workers(1, null);
  private final AtomicReference<FillTask> idleTask = new AtomicReference<>();
  private final AtomicReference<GemmTask<?>> idleGemmF32 = new AtomicReference<>();
  private final AtomicReference<GemmTask<?>> idleGemmF64 = new AtomicReference<>();
  private volatile OrthogonalFill orthogonal;
  private volatile Plan lastPlan = new Plan(null, null, null, null);

  CpuEngine(BackendInfo info, FillKernels kernels, int threads, BackendOptions options) {
    this.info = info;
    this.kernels = kernels;
    this.memory = new HostMemory(options.memoryLimit());
    this.workers = new Workers(threads, options.executor());
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
    boolean alone = isConfined(a) || isConfined(b) || isConfined(c);
    Workers team = alone ? this.alone : workers;
    GemmTask<?> task = takeGemm(dtype);
    try {
      team.run(task.prepare(alpha, a, b, beta, c, team.threads()), task);
    } finally {
      giveGemm(dtype, task);
    }
  }

  @Override
  public void gemm(
      DType dtype, double alpha, StridedMatrix a, Buffer b, double beta, StridedMatrix c) {
    Workers team = isConfined(a) || isConfined(c) ? alone : workers;
    GemmTask<?> task = takeGemm(dtype);
    try {
      team.run(task.prepare(alpha, a, b, beta, c, team.threads()), task);
    } finally {
      giveGemm(dtype, task);
    }
  }

  @Override
  public Buffer pack(StridedMatrix b) {
    DType dtype = b.dtype() == DType.F64 ? DType.F64 : DType.F32;
    GemmTask<?> task = takeGemm(dtype);
    try {
      return task.pack(b, memory);
    } finally {
      giveGemm(dtype, task);
    }
  }

  /** A task of sums of {@code dtype}, which {@link #giveGemm} takes back. */
  private GemmTask<?> takeGemm(DType dtype) {
    boolean f32 = dtype == DType.F32;
    GemmTask<?> task = (f32 ? idleGemmF32 : idleGemmF64).getAndSet(null);
    if (task == null) {
      int bits = kernels.vectorBits();
      VectorProbe probe = VectorProbe.get();
      int threads = workers.threads();
      task =
          f32
              ? new GemmTask<>(probe.denseF32(bits), threads)
              : new GemmTask<>(probe.denseF64(bits), threads);
    }
    return task;
  }

  private void giveGemm(DType dtype, GemmTask<?> task) {
    task.clear();
    (dtype == DType.F32 ? idleGemmF32 : idleGemmF64).set(task);
  }

  private static boolean isConfined(StridedMatrix x) {
    return x.buffer() instanceof CallerMemory caller && caller.confined;
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
    if (last.dtype == dtype && key.equals(last.key) && fill.equals(last.fill)) {
      return last.stream;
    }
    StreamFill stream =
        switch (fill) {
          case Fill.Bits f -> StreamFill.bits(dtype, key);
          case Fill.Custom f -> StreamFill.bits(DType.F32, key);
          case Fill.Uniform f -> StreamFill.of(f, dtype, key);
          case Fill.Normal f -> StreamFill.of(f, dtype, key);
          case Fill.TruncatedNormal f -> StreamFill.of(f, dtype, key);
          case Fill.Sparse f -> StreamFill.of(new Fill.Normal(0, f.stddev()), dtype, key);
          case Fill.Constant f -> null;
          case Fill.Identity f -> null;
          case Fill.Dirac f -> null;
          case Fill.Orthogonal f -> null;
          case Fill.DeltaOrthogonal f -> null;
        };
    lastPlan = new Plan(fill, key, dtype, stream);
    return stream;
  }

  /** The threads that may work on this memory: the caller's alone if the memory belongs to it. */
  private Workers team(Buffer buffer) {
    return buffer instanceof CallerMemory caller && caller.confined ? alone : workers;
  }

  private record Plan(Fill fill, RandomKey key, DType dtype, StreamFill stream) {}

  /** Memory of the caller's; closing it does nothing. */
  private static final class CallerMemory implements Buffer {
    private static final Thread OTHER = Thread.ofPlatform().unstarted(() -> {});

    private final MemorySegment segment;
    private final boolean confined;

    CallerMemory(MemorySegment segment) {
      this.segment = segment;
      this.confined = !segment.isAccessibleBy(OTHER);
    }

    @Override
    public MemorySegment segment() {
      return segment;
    }

    @Override
    public void close() {}
  }
}
