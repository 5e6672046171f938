package dev.weft;

import dev.weft.init.Fill;
import dev.weft.internal.Checks;
import dev.weft.internal.Events;
import dev.weft.internal.Failures;
import dev.weft.internal.OperationEvent;
import dev.weft.random.RandomKey;
import dev.weft.spi.Buffer;
import dev.weft.spi.Engine;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Executes fills, and holds the memory of the tensors it makes. Opened by {@link Weft#open}; may be
 * used from any thread. Results do not depend on which backend it is, nor on its options.
 *
 * <p>Closing it closes the tensors of its own memory that are still open, and reports them as
 * leaks. One that is lost unclosed ends when the garbage collector finds it.
 *
 * @since 0.1
 */
public final class Backend implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger("dev.weft");

  private final Engine engine;
  private final Cleaning cleaning = new Cleaning();
  private final Holdings holdings;
  private final Cleaner.Cleanable watch; // null if the system has no thread to find a lost one
  private final Usage usage = new Usage();

  Backend(Engine engine) {
    this.engine = engine;
    this.holdings = new Holdings(engine);
    this.watch = cleaning.watch(this, holdings::closeLost);
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
      String what = "tensor " + dtype + " " + shape;
      Buffer buffer = engine.allocate(byteSize);
      Allocation allocation = allocation(buffer, what);
      try {
        Tensor tensor = new Tensor(this, dtype, shape, buffer, null, allocation);
        allocation.watch(cleaning, tensor);
        return tensor;
      } catch (Throwable e) {
        allocation.close();
        throw e;
      }
    } finally {
      leave();
    }
  }

  /** Memory of the engine's, which goes back if this throws. */
  private Allocation allocation(Buffer buffer, String what) {
    try {
      return new Allocation(buffer::close, what, holdings.open);
    } catch (Throwable e) {
      buffer.close();
      throw e;
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
    return new Tensor(this, dtype, shape, engine.wrap(segment), segment, null);
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
   * A tensor over the caller's memory on this backend's device, without a copy; for programs that
   * hold memory of another library. The memory must outlive the tensor's use; closing the tensor
   * leaves it alone.
   *
   * <p>What the caller has begun on the memory must be complete before an operation of the tensor
   * begins. What weft has begun is complete when {@link #synchronize} returns, or {@link
   * Tensor#devicePointer}.
   *
   * @param devicePointer where the elements begin: memory of the device's primary context, as
   *     cudaMalloc and cuMemAlloc give it there, a multiple of the element's size
   * @throws IllegalArgumentException {@code wrap: need …, got pointer=0x…} if it is 0, not a
   *     multiple of the element's size, not memory of this device, or smaller than the shape
   * @throws UnsupportedOperationException if this backend has no device
   * @throws ClosedException if this backend is closed
   */
  public Tensor wrap(long devicePointer, DType dtype, Shape shape) {
    String pointer = "0x" + Long.toHexString(devicePointer);
    if (devicePointer == 0) {
      throw Checks.bad("wrap", "need a pointer other than 0", "pointer", pointer, "shape", shape);
    }
    if (devicePointer % dtype.byteSize() != 0) {
      throw Checks.bad(
          "wrap", "need a multiple of the element's size", "pointer", pointer, "dtype", dtype.id());
    }
    long needed = dtype.byteSize(shape.elements());
    enter("wrap");
    try {
      return new Tensor(this, dtype, shape, engine.wrap(devicePointer, needed), null, null);
    } finally {
      leave();
    }
  }

  /**
   * A tensor over memory that is this tensor's to give back, by {@code release}: once, when it is
   * closed and no longer lent, by any thread.
   */
  Tensor adopt(MemorySegment memory, DType dtype, Shape shape, Runnable release) {
    enter("adopt");
    try {
      return adopt(engine.wrap(memory), memory, dtype, shape, release);
    } finally {
      leave();
    }
  }

  /** The same for memory on this backend's device. */
  Tensor adopt(long devicePointer, DType dtype, Shape shape, Runnable release) {
    enter("adopt");
    try {
      Buffer buffer = engine.wrap(devicePointer, dtype.byteSize(shape.elements()));
      return adopt(buffer, null, dtype, shape, release);
    } finally {
      leave();
    }
  }

  private Tensor adopt(
      Buffer buffer, MemorySegment memory, DType dtype, Shape shape, Runnable release) {
    String what = "adopted tensor " + dtype + " " + shape;
    Allocation allocation = new Allocation(new Once(release), what, holdings.open);
    try {
      Tensor tensor = new Tensor(this, dtype, shape, buffer, memory, allocation);
      allocation.watch(cleaning, tensor);
      return tensor;
    } catch (Throwable e) {
      allocation.forget(); // the memory stays the caller's
      throw e;
    }
  }

  /** Others' way to give memory back: called once, whatever it does. */
  private static final class Once implements Runnable {
    private Runnable release;

    Once(Runnable release) {
      this.release = Objects.requireNonNull(release);
    }

    @Override
    public void run() {
      Runnable first = release;
      release = null;
      if (first == null) {
        return;
      }
      try {
        first.run();
      } catch (IllegalStateException e) { // which would say that it may be called again
        throw new WeftException("close: what gives adopted memory back failed: " + e, e);
      }
    }
  }

  /**
   * Waits until every operation that has been begun is complete. On a device operations may return
   * earlier; what this backend does later, and copies to the host, come after them anyway.
   *
   * @throws ClosedException if this backend is closed
   */
  public void synchronize() {
    enter("synchronize");
    try {
      engine.synchronize();
    } finally {
      leave();
    }
  }

  /**
   * General matrix multiply: {@code C = alpha·A·B + beta·C}, for every matrix of a batch.
   *
   * <table>
   * <caption>Operands of this backend: c is F32, and a and b each F32, F16 or BF16; or all are
   *     F64</caption>
   * <tr><th>matrix</th><th>shape</th><th>use</th></tr>
   * <tr><td>a</td><td>[M, K]</td><td>read</td></tr>
   * <tr><td>b</td><td>[K, N]</td><td>read</td></tr>
   * <tr><td>c</td><td>[M, N]</td><td>overwritten if beta is 0, else read and overwritten; its span
   *     of memory, from the first element to the last, may not touch those of a and b</td></tr>
   * </table>
   *
   * <p>Any of them may be transposed or a part of a tensor, and any size may be 0. A batch of one
   * in a or b goes with every matrix of c's batch. As in BLAS, C is not read where beta is 0, nor A
   * and B where alpha or K is 0; otherwise NaN and infinity spread as in IEEE arithmetic. alpha and
   * beta are rounded to c's type first. F16 and BF16 are widened to F32, exactly: the bits are
   * those of the product of the widened matrices.
   *
   * <p>On the CPU every element is the same operations in the same order for every number of
   * threads, vector width, batch and position: for each 256 columns of A in turn, a chain of fused
   * multiply-adds that begins with 0, which is multiplied by alpha and added to beta·C, or to what
   * the columns before gave, in one fused operation.
   *
   * @throws IllegalArgumentException {@code gemm: need a [M, K], b [K, N], c [M, N], got …}, or for
   *     a type, batch, scalar or memory that does not suit
   * @throws ClosedException if a tensor or this backend is closed
   * @see <a href="https://doi.org/10.1145/2764454">Van Zee and van de Geijn 2015</a>, BLIS
   */
  public void gemm(double alpha, Matrix a, Matrix b, double beta, Matrix c) {
    DType dtype = c.tensor().dtype();
    double alphaOfType = scalar("alpha", alpha, dtype);
    double betaOfType = scalar("beta", beta, dtype);
    checkGemm(a, b, c, dtype);
    a.tensor().requireAccessible("gemm");
    b.tensor().requireAccessible("gemm");
    c.tensor().requireAccessible("gemm");
    a.tensor().enter("gemm");
    try {
      b.tensor().enter("gemm");
      try {
        c.tensor().enter("gemm");
        try {
          OperationEvent event = Events.gemm();
          engine.gemm(dtype, alphaOfType, a.strided(), b.strided(), betaOfType, c.strided());
          if (event != null) {
            endGemm(event, a, b, b.byteSize(), c);
          }
        } catch (IllegalStateException e) {
          throw c.tensor().cause("gemm", b.tensor().cause("gemm", a.tensor().cause("gemm", e)));
        } finally {
          c.tensor().leave();
        }
      } finally {
        b.tensor().leave();
      }
    } finally {
      a.tensor().leave();
    }
  }

  /**
   * A copy of a matrix [K, N] in the form that this backend multiplies fastest, for {@link
   * #gemm(double, Matrix, PackedMatrix, double, Matrix)}: worth its while for the right operand of
   * several products of few rows. It takes memory as {@link #tensor} does, some more than the
   * matrix, twice as much or more if it is F16 or BF16.
   *
   * @throws IllegalArgumentException {@code pack: need one matrix, got b=…}, or if it is not of
   *     this backend
   * @throws MemoryLimitException if it does not fit
   * @throws ClosedException if the tensor or this backend is closed
   */
  public PackedMatrix pack(Matrix b) {
    if (b.tensor().backend() != this) {
      throw Checks.bad("pack", "need a tensor of this backend", "b", b.tensor());
    }
    if (b.batch() != 1) {
      throw Checks.bad("pack", "need one matrix", "b", b);
    }
    b.tensor().requireAccessible("pack");
    b.tensor().enter("pack");
    try {
      DType dtype = b.tensor().dtype();
      String what = "packed matrix " + dtype + " " + b;
      Buffer buffer = engine.pack(b.strided());
      Allocation allocation = allocation(buffer, what);
      try {
        PackedMatrix packed =
            new PackedMatrix(this, dtype, b.rows(), b.columns(), buffer, allocation);
        allocation.watch(cleaning, packed);
        return packed;
      } catch (Throwable e) {
        allocation.close();
        throw e;
      }
    } catch (IllegalStateException e) {
      throw b.tensor().cause("pack", e);
    } finally {
      b.tensor().leave();
    }
  }

  /**
   * {@code C = alpha·A·B + beta·C} with a packed B, for every matrix of a batch: bit for bit what
   * {@link #gemm(double, Matrix, Matrix, double, Matrix)} gives with what B was packed from.
   *
   * @param c its rows must be contiguous
   * @throws IllegalArgumentException as there, and {@code gemm: need rows of c that are contiguous,
   *     got c=…}
   * @throws ClosedException if a tensor, b or this backend is closed
   */
  public void gemm(double alpha, Matrix a, PackedMatrix b, double beta, Matrix c) {
    DType dtype = c.tensor().dtype();
    double alphaOfType = scalar("alpha", alpha, dtype);
    double betaOfType = scalar("beta", beta, dtype);
    checkGemm(a, b, c, dtype);
    a.tensor().requireAccessible("gemm");
    c.tensor().requireAccessible("gemm");
    a.tensor().enter("gemm");
    try {
      b.enter("gemm");
      try {
        c.tensor().enter("gemm");
        try {
          OperationEvent event = Events.gemm();
          engine.gemm(dtype, alphaOfType, a.strided(), b.buffer(), betaOfType, c.strided());
          if (event != null) {
            endGemm(event, a, b, b.dtype().byteSize(b.rows() * b.columns()), c);
          }
        } catch (IllegalStateException e) {
          throw c.tensor().cause("gemm", a.tensor().cause("gemm", e));
        } finally {
          c.tensor().leave();
        }
      } finally {
        b.leave();
      }
    } finally {
      a.tensor().leave();
    }
  }

  /** Ends the event of a product with the right operand {@code b}, of {@code bBytes} bytes. */
  private void endGemm(OperationEvent event, Matrix a, Object b, long bBytes, Matrix c) {
    event.end(
        info(),
        c.tensor().dtype(),
        "",
        () -> a + "·" + b,
        a.byteSize() + bBytes + c.byteSize(),
        (long) (2.0 * c.batch() * c.rows() * c.columns() * a.columns())); // 2^63 - 1 at most
  }

  /** A factor of a product, rounded to the type of its sums. */
  private static double scalar(String name, double value, DType dtype) {
    return Checks.finite("gemm", name, dtype == DType.F64 ? value : (float) value);
  }

  private void checkGemm(Matrix a, PackedMatrix b, Matrix c, DType dtype) {
    if (a.tensor().backend() != this || b.backend() != this || c.tensor().backend() != this) {
      throw Checks.bad(
          "gemm",
          "need tensors of this backend",
          "a",
          a.tensor(),
          "b",
          b.backend(),
          "c",
          c.tensor());
    }
    if (!suits(a.tensor().dtype(), dtype) || !suits(b.dtype(), dtype)) {
      throw badTypes(a.tensor().dtype(), b.dtype(), dtype);
    }
    if (a.rows() != c.rows() || a.columns() != b.rows() || b.columns() != c.columns()) {
      throw Checks.bad("gemm", "need a [M, K], b [K, N], c [M, N]", "a", a, "b", b, "c", c);
    }
    if (a.batch() != 1 && a.batch() != c.batch()) {
      throw Checks.bad("gemm", "need the batch of c, or one matrix", "a", a, "b", b, "c", c);
    }
    if (c.strided().columnStride() != 1) {
      throw Checks.bad("gemm", "need rows of c that are contiguous", "c", c);
    }
    if (touch(a, c)) {
      throw Checks.bad("gemm", "need c apart from a in memory", "a", a, "c", c);
    }
  }

  private static IllegalArgumentException badTypes(DType a, DType b, DType c) {
    return Checks.bad(
        "gemm",
        "need c f32, a and b each f32, f16 or bf16, or all f64",
        "a",
        a.id(),
        "b",
        b.id(),
        "c",
        c.id());
  }

  private void checkGemm(Matrix a, Matrix b, Matrix c, DType dtype) {
    if (a.tensor().backend() != this
        || b.tensor().backend() != this
        || c.tensor().backend() != this) {
      throw Checks.bad(
          "gemm",
          "need tensors of this backend",
          "a",
          a.tensor(),
          "b",
          b.tensor(),
          "c",
          c.tensor());
    }
    if (!suits(a.tensor().dtype(), dtype) || !suits(b.tensor().dtype(), dtype)) {
      throw badTypes(a.tensor().dtype(), b.tensor().dtype(), dtype);
    }
    if (a.rows() != c.rows() || a.columns() != b.rows() || b.columns() != c.columns()) {
      throw Checks.bad("gemm", "need a [M, K], b [K, N], c [M, N]", "a", a, "b", b, "c", c);
    }
    if (a.batch() != 1 && a.batch() != c.batch() || b.batch() != 1 && b.batch() != c.batch()) {
      throw Checks.bad("gemm", "need the batch of c, or one matrix", "a", a, "b", b, "c", c);
    }
    if (touch(a, c) || touch(b, c)) {
      throw Checks.bad("gemm", "need c apart from a and b in memory", "a", a, "b", b, "c", c);
    }
  }

  /** Whether sums of type {@code sum} hold the elements of an operand exactly. */
  private static boolean suits(DType operand, DType sum) {
    return switch (sum) {
      case F32 -> operand != DType.F64;
      case F64 -> operand == DType.F64;
      case F16, BF16 -> false;
    };
  }

  /** Whether the spans of two matrices share memory. */
  private static boolean touch(Matrix x, Matrix y) {
    long xSpan = x.span();
    long ySpan = y.span();
    if (xSpan == 0 || ySpan == 0) {
      return false;
    }
    long xAt = x.strided().origin();
    long yAt = y.strided().origin();
    if (x.tensor() == y.tensor()) {
      return xAt < yAt + ySpan && yAt < xAt + xSpan;
    }
    return x.tensor().touches(xAt, xSpan, y.tensor(), yAt, ySpan);
  }

  /**
   * Ends this backend: gives back everything that can be. A second call does nothing if the first
   * gave back all; one that failed may be called again, and gives back what it then can.
   *
   * @throws IllegalStateException {@code close: need no running operation and no lent tensor, got
   *     backend=…}; nothing has changed then. {@code close: need memory that no other code is using
   *     (…), got memory=…} while the segment of a tensor left open is in use, as by a write to a
   *     channel; everything else has ended then
   */
  @Override
  public void close() {
    if (!usage.close()) {
      throw new IllegalStateException(
          Checks.message(
              "close", "need no running operation and no lent tensor", "backend", info().name()));
    }
    holdings.close();
    if (watch != null) {
      watch.clean();
    }
  }

  /** What a backend gives back. It does not know the backend, so that a lost one can be found. */
  private static final class Holdings {
    final Set<Allocation> open = ConcurrentHashMap.newKeySet();
    private final Engine engine;
    private boolean ended;

    Holdings(Engine engine) {
      this.engine = engine;
    }

    synchronized void close() {
      Failures failures = new Failures();
      open.forEach(each -> failures.attempt(each::reportAndClose));
      if (!ended) {
        ended = true;
        failures.attempt(engine::close);
      }
      failures.raise();
    }

    /** Nothing of the backend can be used any more; what others use is theirs to let go. */
    void closeLost() {
      try {
        close();
      } catch (IllegalStateException e) {
        LOG.log(System.Logger.Level.DEBUG, "a lost backend has ended, but for: {0}", e);
      }
    }
  }

  @Override
  public String toString() {
    return "Backend " + info().name() + " (" + info().probe().detail() + ")";
  }

  Engine engine() {
    return engine;
  }

  void fill(Fill fill, RandomKey key, DType dtype, Region region, Buffer out) {
    engine.fill(fill, key, dtype, region, out);
  }

  void read(Buffer buffer, long byteOffset, MemorySegment out) {
    engine.read(buffer, byteOffset, out);
  }

  void write(Buffer buffer, long byteOffset, MemorySegment in) {
    engine.write(buffer, byteOffset, in);
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

  /** Runs {@code action} after the next garbage collection. */
  void later(Runnable action) {
    cleaning.later(action);
  }
}
