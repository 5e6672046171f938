package dev.weft;

import dev.weft.init.Fill;
import dev.weft.init.Initializer;
import dev.weft.init.Layout;
import dev.weft.internal.Checks;
import dev.weft.internal.Events;
import dev.weft.internal.OperationEvent;
import dev.weft.random.RandomKey;
import dev.weft.spi.Buffer;
import dev.weft.spi.StridedMatrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * A dense row-major tensor in the memory of its backend or of the caller. It may be used from any
 * thread that may use its memory; two operations at once on one tensor race as on any memory.
 *
 * <p>Close it: a tensor of the backend's own memory that is lost unclosed is freed when the garbage
 * collector finds it, and reported through {@link System.Logger}.
 *
 * @since 0.1
 */
public final class Tensor implements AutoCloseable {
  static {
    TensorAccess.install();
  }

  private final Backend backend;
  private final DType dtype;
  private final Shape shape;
  private final Region whole;
  private final Buffer buffer;
  private final MemorySegment callers; // memory of the host that is not the backend's; else null
  private final Allocation allocation; // memory to give back; else null

  private final Usage usage = new Usage();
  private StridedMatrix rows; // made when first asked for; a race makes two equal ones
  private StridedMatrix columns;

  Tensor(
      Backend backend,
      DType dtype,
      Shape shape,
      Buffer buffer,
      MemorySegment callers,
      Allocation allocation) {
    this.backend = backend;
    this.dtype = dtype;
    this.shape = shape;
    this.whole = Region.of(shape);
    this.buffer = buffer;
    this.callers = callers;
    this.allocation = allocation;
  }

  /** The element type. */
  public DType dtype() {
    return dtype;
  }

  /** The dimensions. */
  public Shape shape() {
    return shape;
  }

  /** Bytes of the elements. */
  public long byteSize() {
    return dtype.byteSize(shape.elements());
  }

  /** The backend that this tensor belongs to. */
  public Backend backend() {
    return backend;
  }

  /**
   * Whether the host reaches the memory, by {@link #segment}; else {@link #devicePointer} tells it.
   */
  public boolean isHost() {
    return buffer.isHost();
  }

  /**
   * The elements as the host sees them, {@link #byteSize} bytes in the machine's byte order; no
   * copy. Not to be used after {@link #close}.
   *
   * @throws ClosedException if this tensor is closed
   * @throws UnsupportedOperationException if the memory is a device's
   */
  public MemorySegment segment() {
    enter("segment");
    try {
      return buffer.segment().asSlice(0, byteSize());
    } finally {
      leave();
    }
  }

  /**
   * Where the elements begin in the memory of the backend's device, for other libraries in the
   * device's primary context; no copy. Every operation that was begun before is then complete.
   * After later ones, call {@link Backend#synchronize} before others use the memory, and let them
   * be done with it before weft's next operation. Not to be used after {@link #close}.
   *
   * @throws ClosedException if this tensor is closed
   * @throws UnsupportedOperationException {@code devicePointer: need memory of a device, got …}
   */
  public long devicePointer() {
    enter("devicePointer");
    try {
      if (buffer.isHost()) {
        throw new UnsupportedOperationException(
            Checks.message("devicePointer", "need memory of a device", "tensor", this));
      }
      backend.engine().synchronize();
      return buffer.devicePointer();
    } finally {
      leave();
    }
  }

  /**
   * Fills the whole tensor; its shape is the logical shape.
   *
   * @throws IllegalArgumentException if the fill does not suit the shape or type
   * @throws ClosedException if this tensor or its backend is closed
   * @throws WrongThreadException if the memory belongs to another thread
   */
  public void fill(Initializer initializer, RandomKey key) {
    fill(initializer.plan(shape), key);
  }

  /** Fills the whole tensor; see {@link #fill(Initializer, RandomKey)}. */
  public void fill(Fill fill, RandomKey key) {
    fillRegion(fill, key, whole);
  }

  /**
   * Fills this tensor with a region of a logical tensor: the bytes that the whole would have there.
   * The fans come from {@code region.logical()}.
   *
   * @throws IllegalArgumentException {@code fill: need as many elements as the region, got …}, and
   *     as {@link #fill(Initializer, RandomKey)}
   */
  public void fill(Initializer initializer, RandomKey key, Region region) {
    fill(initializer.plan(region.logical()), key, region);
  }

  /** Fills this tensor with a region; see {@link #fill(Initializer, RandomKey, Region)}. */
  public void fill(Fill fill, RandomKey key, Region region) {
    if (region.shape().elements() != shape.elements()) {
      throw Checks.bad(
          "fill", "need as many elements as the region", "tensor", shape, "region", region.shape());
    }
    fillRegion(fill, key, region);
  }

  /**
   * Element {@code index} in row-major order, as a double; for tests and reports, one at a time.
   */
  public double get(long index) {
    Objects.checkIndex(index, shape.elements());
    requireAccessible("get");
    enter("get");
    try {
      long at = dtype.byteSize(index);
      if (buffer.isHost()) {
        return get(buffer.segment(), at);
      }
      MemorySegment element = MemorySegment.ofArray(new byte[dtype.byteSize()]);
      backend.read(buffer, at, element);
      return get(element, 0);
    } catch (IllegalStateException e) {
      throw cause("get", e);
    } finally {
      leave();
    }
  }

  private double get(MemorySegment memory, long at) {
    return switch (dtype) {
      case F32 -> memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
      case F64 -> memory.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, at);
      case F16 -> Float.float16ToFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
      case BF16 -> Float.intBitsToFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, at) << 16);
    };
  }

  /**
   * Copies all elements to the host, in the machine's byte order, wherever the tensor's memory is.
   *
   * @param out {@link #byteSize} bytes, native or heap
   * @throws IllegalArgumentException {@code copyTo: need as many bytes as the tensor, got …}, or if
   *     {@code out} is read-only
   * @throws ClosedException if this tensor or its backend is closed
   */
  public void copyTo(MemorySegment out) {
    requireBytes("copyTo", out);
    copyTo(0, out);
  }

  /**
   * Copies elements from {@code first} on, in row-major order, to the host.
   *
   * @param out whole elements, native or heap
   * @throws IllegalArgumentException {@code copyTo: need whole elements of the tensor, got …}, or
   *     if {@code out} is read-only
   * @throws ClosedException if this tensor or its backend is closed
   */
  public void copyTo(long first, MemorySegment out) {
    requireElements("copyTo", first, out);
    if (out.isReadOnly()) {
      throw Checks.bad("copyTo", "need a writable segment", "segment", out);
    }
    requireAccessible("copyTo");
    enter("copyTo");
    try {
      OperationEvent event = Events.copyTo();
      backend.read(buffer, dtype.byteSize(first), out);
      endCopy(event, first, out.byteSize());
    } catch (IllegalStateException e) {
      throw cause("copyTo", out, e);
    } finally {
      leave();
    }
  }

  /**
   * Copies all elements from the host, in the machine's byte order, wherever the tensor's memory
   * is.
   *
   * @param in {@link #byteSize} bytes, native or heap
   * @throws IllegalArgumentException {@code copyFrom: need as many bytes as the tensor, got …}
   * @throws ClosedException if this tensor or its backend is closed
   */
  public void copyFrom(MemorySegment in) {
    requireBytes("copyFrom", in);
    copyFrom(0, in);
  }

  /**
   * Copies elements from the host to those from {@code first} on, in row-major order.
   *
   * @param in whole elements, native or heap
   * @throws IllegalArgumentException {@code copyFrom: need whole elements of the tensor, got …}
   * @throws ClosedException if this tensor or its backend is closed
   */
  public void copyFrom(long first, MemorySegment in) {
    requireElements("copyFrom", first, in);
    requireAccessible("copyFrom");
    enter("copyFrom");
    try {
      OperationEvent event = Events.copyFrom();
      backend.write(buffer, dtype.byteSize(first), in);
      endCopy(event, first, in.byteSize());
    } catch (IllegalStateException e) {
      throw cause("copyFrom", in, e);
    } finally {
      leave();
    }
  }

  private void endCopy(OperationEvent event, long first, long bytes) {
    if (event != null) {
      long end = first + bytes / dtype.byteSize();
      event.end(backend.info(), dtype, "", () -> whole.slice(first, end).toString(), bytes, 0);
    }
  }

  private void requireBytes(String op, MemorySegment segment) {
    if (segment.byteSize() != byteSize()) {
      throw Checks.bad(
          op,
          "need as many bytes as the tensor",
          "bytes",
          segment.byteSize(),
          "needed",
          byteSize(),
          "tensor",
          this);
    }
  }

  private void requireElements(String op, long first, MemorySegment segment) {
    long bytes = segment.byteSize();
    if (first < 0
        || first > shape.elements()
        || bytes % dtype.byteSize() != 0
        || bytes / dtype.byteSize() > shape.elements() - first) {
      throw Checks.bad(
          op, "need whole elements of the tensor", "first", first, "bytes", bytes, "tensor", this);
    }
  }

  /**
   * How far this tensor is from {@code gain} times an orthogonal matrix Q: max |QᵀQ − I|, or max
   * |QQᵀ − I| if it has fewer rows than columns. Rows and columns are those of {@link
   * Fill#orthogonal}.
   *
   * @param gain finite, not 0
   */
  public double orthogonalityError(Layout layout, double gain) {
    if (!(Math.abs(gain) > 0 && Math.abs(gain) <= Double.MAX_VALUE)) {
      throw Checks.bad("orthogonalityError", "need a finite gain other than 0", "gain", gain);
    }
    Fill.Orthogonal matrix = new Fill.Orthogonal(gain, layout);
    matrix.check(shape, dtype);
    requireAccessible("orthogonalityError");
    enter("orthogonalityError");
    try {
      return backend.orthogonalityError(
          dtype, matrix.rows(shape), matrix.columns(shape), gain, buffer);
    } catch (IllegalStateException e) {
      throw cause("orthogonalityError", e);
    } finally {
      leave();
    }
  }

  /**
   * Lends the memory to code that weft does not see, for example another library: until the lease
   * is closed, neither {@link #close} nor the garbage collector gives it back, and the backend
   * cannot be closed. Memory of the caller's is the caller's to keep.
   *
   * @throws ClosedException if this tensor, its memory or its backend is closed
   * @since 0.1
   */
  public Lease lend() {
    if (callers != null && !callers.scope().isAlive()) {
      throw new ClosedException(
          Checks.message("lend", "need memory that is alive", "tensor", this));
    }
    Lease lease = new Lease(this);
    enter("lend");
    boolean held = false;
    try {
      if (allocation != null) {
        allocation.hold();
      }
      held = true;
    } finally {
      usage.leave();
      if (!held) {
        backend.leave(); // else it stays in use until the lease ends
      }
    }
    return lease;
  }

  /** What is held for a lease is held no more. */
  void drop() {
    if (allocation != null) {
      allocation.drop();
    }
  }

  /** Closes a tensor that nobody has seen, whose memory stays with whoever gave it. */
  void disown() {
    usage.close();
    allocation.forget();
  }

  /**
   * Gives back the backend's memory, once it is no longer {@linkplain #lend lent}; a caller's
   * memory stays as it is. A second call does nothing. If it throws, the tensor is open as before,
   * and may be closed later.
   *
   * @throws IllegalStateException {@code close: need no running operation, got tensor=…}, or {@code
   *     close: need memory that no other code is using, got …} while its {@link #segment} is in
   *     use, as by a write to a channel
   */
  @Override
  public void close() {
    if (!(allocation == null ? usage.close() : allocation.close(usage))) {
      throw new IllegalStateException(
          Checks.message("close", "need no running operation", "tensor", this));
    }
  }

  /** For example {@code Tensor f32 [784, 128] on cpu}. */
  @Override
  public String toString() {
    return "Tensor " + dtype.id() + " " + shape + " on " + backend.info().name();
  }

  /**
   * Whether {@code span} elements from {@code at} on share memory with another tensor's. Two blocks
   * of the backend's own never do, but a caller may wrap a part of one.
   */
  boolean touches(long at, long span, Tensor other, long otherAt, long otherSpan) {
    if (!buffer.isHost() && !other.buffer.isHost()) {
      return meet(
          buffer.devicePointer() + at * dtype.byteSize(),
          span * dtype.byteSize(),
          other.buffer.devicePointer() + otherAt * other.dtype.byteSize(),
          otherSpan * other.dtype.byteSize());
    }
    if (callers == null && other.callers == null) {
      return false;
    }
    MemorySegment mine = hostMemory();
    MemorySegment others = other.hostMemory();
    if (mine == null
        || others == null
        || mine.isNative() != others.isNative()
        || !mine.heapBase().equals(others.heapBase())) {
      return false;
    }
    return meet(
        mine.address() + at * dtype.byteSize(),
        span * dtype.byteSize(),
        others.address() + otherAt * other.dtype.byteSize(),
        otherSpan * other.dtype.byteSize());
  }

  private static boolean meet(long from, long bytes, long otherFrom, long otherBytes) {
    return from < otherFrom + otherBytes && otherFrom < from + bytes;
  }

  /** Whether the elements share memory with {@code segment}. */
  boolean touches(MemorySegment segment) {
    MemorySegment mine = hostMemory();
    return mine != null
        && mine.asOverlappingSlice(segment).isPresent()
        && mine.asSlice(0, byteSize()).asOverlappingSlice(segment).isPresent();
  }

  /** The memory as the host sees it; null for a device's. */
  private MemorySegment hostMemory() {
    if (callers != null) {
      return callers;
    }
    return buffer.isHost() ? buffer.segment() : null;
  }

  Buffer buffer() {
    return buffer;
  }

  /** This tensor as a matrix: the last dimension by all others. */
  StridedMatrix rows() {
    StridedMatrix made = rows;
    if (made == null) {
      int rank = shape.rank();
      long width = rank == 0 ? 1 : shape.dim(rank - 1);
      long height = shape.product(0, rank - 1);
      made = new StridedMatrix(buffer, dtype, 1, height * width, 0, height, width, width, 1);
      rows = made;
    }
    return made;
  }

  /** The transpose of {@link #rows}. */
  StridedMatrix columns() {
    StridedMatrix made = columns;
    if (made == null) {
      made = rows().transposed();
      columns = made;
    }
    return made;
  }

  private void fillRegion(Fill fill, RandomKey key, Region region) {
    Objects.requireNonNull(key, "key");
    fill.check(region.logical(), dtype);
    requireAccessible("fill");
    enter("fill");
    try {
      OperationEvent event = Events.fill();
      backend.fill(fill, key, dtype, region, buffer);
      if (event != null) {
        event.end(backend.info(), dtype, fill, region::toString, byteSize(), 0);
      }
    } catch (IllegalStateException e) {
      throw cause("fill", e);
    } finally {
      leave();
    }
  }

  /** What an operation failed of: the caller's memory, if it was closed meanwhile, or {@code e}. */
  IllegalStateException cause(String op, IllegalStateException e) {
    return callers == null || callers.scope().isAlive() ? e : closedMeanwhile(op, e);
  }

  /** The same where {@code other} memory of the caller's was used, too. */
  private IllegalStateException cause(String op, MemorySegment other, IllegalStateException e) {
    return other.scope().isAlive() ? cause(op, e) : closedMeanwhile(op, e);
  }

  private ClosedException closedMeanwhile(String op, IllegalStateException e) {
    ClosedException closed =
        new ClosedException(
            Checks.message(op, "need memory that is alive to the end", "tensor", this));
    closed.initCause(e);
    return closed;
  }

  void requireAccessible(String op) {
    if (callers == null) {
      return;
    }
    if (!callers.scope().isAlive()) {
      throw new ClosedException(Checks.message(op, "need memory that is alive", "tensor", this));
    }
    if (!callers.isAccessibleBy(Thread.currentThread())) {
      throw new WrongThreadException(
          Checks.message(
              op,
              "need memory of this thread",
              "thread",
              Thread.currentThread().getName(),
              "tensor",
              this));
    }
  }

  /** Begins an operation, which {@link #leave} ends. */
  void enter(String op) {
    backend.enter(op);
    boolean entered = false;
    try {
      entered = usage.enter();
    } finally {
      if (!entered) {
        backend.leave();
      }
    }
    if (!entered) {
      throw new ClosedException(Checks.message(op, "need an open tensor", "tensor", this));
    }
  }

  void leave() {
    usage.leave();
    backend.leave();
  }
}
