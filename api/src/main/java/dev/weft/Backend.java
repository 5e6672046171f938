package dev.weft;

import dev.weft.init.Fill;
import dev.weft.internal.Checks;
import dev.weft.random.RandomKey;
import dev.weft.spi.Buffer;
import dev.weft.spi.Engine;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Executes fills, and holds the memory of the tensors it makes. Opened by {@link Weft#open}; may be
 * used from any thread. Results do not depend on which backend it is, nor on its options.
 *
 * <p>Closing it closes the tensors of its own memory that are still open, and reports them as
 * leaks.
 */
public final class Backend implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("dev.weft");

  private final Engine engine;
  private final Cleaner cleaner = Cleaner.create();
  private final Set<Allocation> open = ConcurrentHashMap.newKeySet();
  private final Usage usage = new Usage();

  Backend(Engine engine) {
    this.engine = engine;
  }

  /** What this backend is. */
  public BackendInfo info() {
    return engine.info();
  }

  /** Memory held by this backend's own tensors. */
  public MemoryInfo memory() {
    return engine.memory();
  }

  /**
   * A tensor in the backend's own memory, aligned to 64 bytes. Its content is undefined until it is
   * filled.
   *
   * @throws MemoryLimitException if it does not fit
   * @throws IllegalArgumentException if its bytes pass 2⁶³ − 1
   * @throws ClosedException if this backend is closed
   */
  public Tensor tensor(DType dtype, Shape shape) {
    long byteSize = dtype.byteSize(shape.elements());
    enter("tensor");
    try {
      Allocation allocation = new Allocation(engine.allocate(byteSize), dtype + " " + shape, open);
      open.add(allocation);
      Tensor tensor = new Tensor(this, dtype, shape, allocation.buffer, null, allocation::close);
      cleaner.register(tensor, allocation::reportAndClose);
      return tensor;
    } finally {
      leave();
    }
  }

  /**
   * A tensor over the caller's memory, native or heap, without a copy; the elements begin at its
   * first byte. The memory must outlive the tensor's use; closing the tensor leaves it alone.
   * Memory confined to a thread is filled by that thread alone.
   *
   * @throws IllegalArgumentException if the segment is read-only or smaller than the shape
   * @throws ClosedException if this backend is closed
   */
  public Tensor wrap(MemorySegment segment, DType dtype, Shape shape) {
    enter("wrap");
    leave();
    long needed = dtype.byteSize(shape.elements());
    if (segment.byteSize() < needed) {
      throw Checks.bad(
          "wrap",
          "need at least as many bytes as the shape",
          "bytes",
          segment.byteSize(),
          "needed",
          needed,
          "shape",
          shape,
          "dtype",
          dtype.id());
    }
    if (segment.isReadOnly()) {
      throw Checks.bad("wrap", "need a writable segment", "segment", segment);
    }
    return new Tensor(this, dtype, shape, engine.wrap(segment), segment, () -> {});
  }

  /**
   * An F32 tensor over the caller's array, without a copy; see {@link #wrap(MemorySegment, DType,
   * Shape)}.
   */
  public Tensor wrap(float[] array, Shape shape) {
    return wrap(MemorySegment.ofArray(array), DType.F32, shape);
  }

  /**
   * An F64 tensor over the caller's array, without a copy; see {@link #wrap(MemorySegment, DType,
   * Shape)}.
   */
  public Tensor wrap(double[] array, Shape shape) {
    return wrap(MemorySegment.ofArray(array), DType.F64, shape);
  }

  /**
   * An F16 or BF16 tensor over the caller's array of bit patterns, without a copy; see {@link
   * #wrap(MemorySegment, DType, Shape)}.
   *
   * @throws IllegalArgumentException {@code wrap: need a 16-bit dtype over short[], got dtype=…}
   */
  public Tensor wrap(short[] array, DType dtype, Shape shape) {
    if (dtype.byteSize() != Short.BYTES) {
      throw Checks.bad("wrap", "need a 16-bit dtype over short[]", "dtype", dtype.id());
    }
    return wrap(MemorySegment.ofArray(array), dtype, shape);
  }

  /**
   * Ends this backend. A second call does nothing.
   *
   * @throws IllegalStateException if an operation of it is running
   */
  @Override
  public void close() {
    if (usage.close()) {
      open.forEach(Allocation::reportAndClose);
      engine.close();
    } else if (!usage.isClosed()) {
      throw new IllegalStateException(
          Checks.message("close", "need no running operation", "backend", info().name()));
    }
  }

  @Override
  public String toString() {
    return "Backend " + info().name() + " (" + info().probe().detail() + ")";
  }

  void fill(Fill fill, RandomKey key, DType dtype, Region region, Buffer out) {
    engine.fill(fill, key, dtype, region, out);
  }

  double orthogonalityError(DType dtype, long rows, long columns, double gain, Buffer matrix) {
    return engine.orthogonalityError(dtype, rows, columns, gain, matrix);
  }

  /** Begins an operation, which {@link #leave} ends. */
  void enter(String op) {
    if (!usage.enter()) {
      throw new ClosedException(
          Checks.message(op, "need an open backend", "backend", info().name()));
    }
  }

  void leave() {
    usage.leave();
  }

  /** Memory of one tensor; knows nothing of the tensor, so that a lost tensor can be found. */
  private static final class Allocation {
    final Buffer buffer;
    private final String what;
    private final Set<Allocation> open;
    private final AtomicBoolean released = new AtomicBoolean();

    Allocation(Buffer buffer, String what, Set<Allocation> open) {
      this.buffer = Objects.requireNonNull(buffer);
      this.what = what;
      this.open = open;
    }

    void close() {
      if (released.compareAndSet(false, true)) {
        open.remove(this);
        buffer.close();
      }
    }

    void reportAndClose() {
      if (!released.get()) {
        LOG.log(System.Logger.Level.WARNING, "leak: tensor {0} was never closed", what);
        close();
      }
    }
  }
}
