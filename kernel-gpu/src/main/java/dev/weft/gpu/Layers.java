package dev.weft.gpu;

import dev.weft.DType;
import dev.weft.DeviceException;
import dev.weft.gpu.blas.Products;
import dev.weft.gpu.cuda.Device;
import dev.weft.gpu.cuda.DeviceMemory;
import dev.weft.gpu.cuda.Transfers;
import dev.weft.gpu.kernels.NnLaunch;
import dev.weft.nn.Activation;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.nn.Optimizer;
import dev.weft.nn.Write;
import dev.weft.spi.Buffer;
import dev.weft.spi.NnEngine;
import dev.weft.spi.StridedMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Products, layers and training on a device. All but the products of cuBLAS have the CPU's bits. An
 * operation has begun when it returns, unless an operand is the host's: those are copied there and
 * back.
 *
 * <p>One at a time.
 */
final class Layers implements NnEngine, AutoCloseable {
  private static final int COPIES = 4; // a power of two

  private final Device device;
  private final DeviceMemory memory;
  private final NnLaunch launch;
  private final StagedOperands operands;
  private final Products products; // null: weft's kernel
  private final long leastNarrowed;

  /** The last operands that were copied to another type, and their copies. */
  private final StridedMatrix[] copied = new StridedMatrix[COPIES];

  private final StridedMatrix[] copies = new StridedMatrix[COPIES];
  private int nextCopy;
  private Recording recording; // null: operations run

  Layers(
      Device device,
      DeviceMemory memory,
      Transfers transfers,
      NnLaunch.Launcher launcher,
      Products products) {
    this.device = device;
    this.memory = memory;
    this.products = products;
    this.leastNarrowed = ProductPath.leastNarrowed();
    this.launch = new NnLaunch(Arena.ofAuto(), launcher);
    this.operands = new StagedOperands(memory, transfers);
  }

  synchronized void gemm(
      DType dtype, double alpha, StridedMatrix a, StridedMatrix b, double beta, StridedMatrix c) {
    if (c.batch() * c.rows() * c.columns() == 0) {
      return;
    }
    boolean terms = alpha != 0 && a.columns() != 0;
    if (!terms && beta == 1) {
      return;
    }
    try {
      long to = operands.readWrite(c);
      if (terms) {
        product(dtype, alpha, a, b, beta, c, to);
      } else {
        launch.scale(dtype, to, c, beta);
      }
      operands.giveBack();
    } finally {
      operands.release();
    }
  }

  private void product(
      DType dtype,
      double alpha,
      StridedMatrix a,
      StridedMatrix b,
      double beta,
      StridedMatrix c,
      long to) {
    DType type = multiplied(dtype, a, b, c);
    StridedMatrix left = as(type, a);
    StridedMatrix right = as(type, b);
    long leftAt = operands.read(left);
    long rightAt = operands.read(right);
    if (products != null) {
      products.multiply(alpha, leftAt, left, rightAt, right, beta, to, c);
    } else {
      launch.product(dtype, alpha, leftAt, left, rightAt, right, beta, to, c);
    }
  }

  /** The type in which two operands are multiplied. */
  private DType multiplied(DType dtype, StridedMatrix a, StridedMatrix b, StridedMatrix c) {
    if (products == null || dtype == DType.F64) {
      return dtype;
    }
    if (a.dtype() == b.dtype() && a.dtype() != DType.F32) {
      return a.dtype();
    }
    DType narrow = products.narrowed();
    boolean isLarge = (double) elements(c) * a.columns() >= leastNarrowed;
    return narrow != null && isLarge && may(a, narrow) && may(b, narrow) ? narrow : DType.F32;
  }

  private static boolean may(StridedMatrix of, DType become) {
    return of.dtype() == DType.F32 || of.dtype() == become;
  }

  private StridedMatrix as(DType type, StridedMatrix of) {
    if (of.dtype() == type) {
      return of;
    }
    long address = operands.workspace(type.byteSize(stored(of)));
    if (type == DType.F32) {
      launch.copy(address, operands.read(of), of);
    } else {
      launch.narrow(address, operands.read(of), of, type);
    }
    return copyOf(of, type, address);
  }

  /** The matrices as the copy there has them: the same object for the same operand as before. */
  private StridedMatrix copyOf(StridedMatrix of, DType type, long address) {
    for (int i = 0; i < COPIES; i++) {
      StridedMatrix copy = copies[i];
      if (copied[i] == of && copy.dtype() == type && copy.buffer().devicePointer() == address) {
        return copy;
      }
    }
    int at = nextCopy++ & COPIES - 1;
    copied[at] = of;
    copies[at] = gapless(of, type, new DeviceBuffer(address, null));
    return copies[at];
  }

  /** The matrices as {@link NnLaunch#copy} writes them. */
  private static StridedMatrix gapless(StridedMatrix of, DType dtype, Buffer buffer) {
    boolean byRows = of.columnStride() == 1;
    return new StridedMatrix(
        buffer,
        dtype,
        of.batch(),
        NnLaunch.distinct(of) == 1 ? 0 : of.rows() * of.columns(),
        0,
        of.rows(),
        of.columns(),
        byRows ? of.columns() : 1,
        byRows ? 1 : of.rows());
  }

  private static long elements(StridedMatrix m) {
    return m.batch() * m.rows() * m.columns();
  }

  /** Elements of a copy. */
  private static long stored(StridedMatrix m) {
    return NnLaunch.distinct(m) * m.rows() * m.columns();
  }

  /** What {@link #pack} gives: a copy without gaps. */
  private record Packed(StridedMatrix matrix) implements Buffer {
    @Override
    public MemorySegment segment() {
      return matrix.buffer().segment();
    }

    @Override
    public boolean isHost() {
      return false;
    }

    @Override
    public void close() {
      matrix.buffer().close();
    }
  }

  synchronized Buffer pack(StridedMatrix b) {
    DType wide = b.dtype() == DType.F64 ? DType.F64 : DType.F32;
    DeviceMemory.Block block = memory.allocate(wide.byteSize(stored(b)));
    DeviceBuffer copy = new DeviceBuffer(block.address(), block);
    boolean done = false;
    try {
      if (stored(b) != 0) {
        launch.copy(block.address(), operands.read(b), b);
      }
      done = true;
    } finally {
      operands.release();
      if (!done) {
        copy.close();
      }
    }
    return new Packed(gapless(b, wide, copy));
  }

  void gemm(DType dtype, double alpha, StridedMatrix a, Buffer b, double beta, StridedMatrix c) {
    gemm(dtype, alpha, a, ((Packed) b).matrix, beta, c);
  }

  @Override
  public synchronized void dense(
      DType dtype,
      StridedMatrix x,
      StridedMatrix w,
      Buffer bias,
      Activation f,
      StridedMatrix z,
      StridedMatrix residual,
      StridedMatrix y) {
    long elements = elements(y);
    if (elements == 0) {
      return;
    }
    try {
      long out = operands.write(y);
      if (x.columns() == 0) {
        launch.scale(dtype, out, y, 0);
      } else {
        product(dtype, 1, x, w, 0, y, out);
      }
      boolean rows = f.kind().ofRow();
      Activation.Kind kind = rows ? Activation.Kind.LINEAR : f.kind();
      if (bias != null || z != null || residual != null || kind != Activation.Kind.LINEAR) {
        long b = bias == null ? 0 : operands.read(bias, dtype.byteSize(y.columns()));
        long kept = z == null ? 0 : operands.write(z);
        long added = residual == null ? 0 : operands.read(residual);
        launch.activate(dtype, kind, f.alpha(), out, out, kept, b, added, elements, y.columns());
      }
      if (rows) {
        boolean log = f.kind() == Activation.Kind.LOG_SOFTMAX;
        launch.softmax(dtype, log, out, out, y.rows(), y.columns());
      }
      operands.giveBack();
    } finally {
      operands.release();
    }
  }

  @Override
  public synchronized void activate(DType dtype, Activation f, StridedMatrix x, StridedMatrix y) {
    long elements = elements(y);
    if (elements == 0) {
      return;
    }
    try {
      long in = operands.read(x);
      long out = operands.write(y);
      if (f.kind().ofRow()) {
        boolean log = f.kind() == Activation.Kind.LOG_SOFTMAX;
        launch.softmax(dtype, log, out, in, x.rows(), x.columns());
      } else {
        launch.activate(dtype, f.kind(), f.alpha(), out, in, 0, 0, 0, elements, elements);
      }
      operands.giveBack();
    } finally {
      operands.release();
    }
  }

  @Override
  public synchronized void activationGradient(
      DType dtype,
      Activation f,
      StridedMatrix saved,
      StridedMatrix dy,
      StridedMatrix dz,
      Buffer db,
      Write write) {
    long rows = saved.rows();
    long columns = saved.columns();
    if (columns == 0 || rows == 0 && db == null) {
      return;
    }
    try {
      long from = operands.read(saved);
      long in = operands.read(dy);
      long out = operands.write(dz);
      Activation.Kind kind = f.kind();
      if (kind.ofRow()) {
        if (rows != 0) {
          boolean log = kind == Activation.Kind.LOG_SOFTMAX;
          launch.softmaxGradient(dtype, log, out, from, in, rows, columns);
        }
        kind = Activation.Kind.LINEAR;
        in = out;
      }
      if (db != null) {
        boolean accumulate = write == Write.ACCUMULATE;
        long bytes = dtype.byteSize(columns);
        long sums = operands.workspace(dtype.byteSize(NnLaunch.sums(rows, columns)));
        long to = accumulate ? operands.readWrite(db, bytes) : operands.write(db, bytes);
        launch.gradientSums(
            dtype, kind, f.alpha(), out, in, from, sums, to, rows, columns, accumulate);
      } else if (kind != Activation.Kind.LINEAR || in != out) {
        launch.activateGradient(dtype, kind, f.alpha(), out, in, from, rows * columns);
      }
      operands.giveBack();
    } finally {
      operands.release();
    }
  }

  @Override
  public synchronized void loss(
      DType dtype,
      Loss loss,
      StridedMatrix prediction,
      Labels labels,
      StridedMatrix target,
      StridedMatrix gradient,
      Buffer value) {
    long rows = prediction.rows();
    long columns = prediction.columns();
    try {
      long mean = operands.write(value, Double.BYTES);
      if (rows == 0 || columns == 0) {
        launch.zero(mean);
        operands.giveBack();
        return;
      }
      long x = operands.read(prediction);
      long to = target == null ? 0 : operands.read(target);
      long out = gradient == null ? 0 : operands.write(gradient);
      if (loss instanceof Loss.SoftmaxCrossEntropy entropy) {
        long classes = labels == null ? 0 : classes(labels);
        long losses = operands.workspace(Double.BYTES * rows);
        launch.crossEntropy(
            dtype, entropy.smoothing(), x, classes, to, out, losses, mean, rows, columns);
      } else {
        long elements = rows * columns;
        long sums = operands.workspace(Double.BYTES * NnLaunch.lanes(elements));
        launch.elementLosses(dtype, loss, x, to, out, sums, mean, elements);
      }
      operands.giveBack();
    } finally {
      operands.release();
    }
  }

  private long classes(Labels labels) {
    return recording == null ? operands.read(labels.segment()) : recording.labelsAddress();
  }

  /**
   * Runs operations that find the host's x at an address of the device.
   *
   * @param x null for none
   */
  synchronized void runWith(MemorySegment x, long address, Runnable work) {
    operands.alias(x, address);
    try {
      work.run();
    } finally {
      operands.alias(null, 0);
    }
  }

  /**
   * Records the operations that {@code work} calls on this thread, on memory of this device alone,
   * instead of running them. Other threads' operations wait.
   */
  synchronized void record(Recording into, Runnable work) {
    recording = into;
    operands.useWorkspaces(into.workspaces);
    try {
      into.recorded(
          device.record(
              () -> {
                useStream();
                work.run();
              }));
    } catch (Throwable e) {
      try {
        useStream();
      } catch (DeviceException second) {
        e.addSuppressed(second);
      }
      throw e;
    } finally {
      recording = null;
      operands.useWorkspaces(null);
    }
    useStream();
  }

  private void useStream() {
    if (products != null) {
      products.useStream();
    }
  }

  @Override
  public synchronized void sumOfSquares(
      DType dtype, long count, Buffer x, Write write, Buffer sum) {
    boolean accumulate = write == Write.ACCUMULATE;
    try {
      long in = operands.read(x, dtype.byteSize(count));
      long sums = operands.workspace(Double.BYTES * NnLaunch.squareLanes(dtype, count));
      long bytes = Double.BYTES * NnLaunch.squares(dtype);
      long out = accumulate ? operands.readWrite(sum, bytes) : operands.write(sum, bytes);
      launch.squares(dtype, in, sums, out, count, accumulate);
      operands.giveBack();
    } finally {
      operands.release();
    }
  }

  @Override
  public synchronized void update(
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
    long bytes = dtype.byteSize(count);
    if (count == 0) {
      return;
    }
    try {
      long w = operands.readWrite(parameters, bytes);
      long g = operands.read(gradients, bytes);
      long first = slot1 == null ? 0 : operands.readWrite(slot1, bytes);
      long second = slot2 == null ? 0 : operands.readWrite(slot2, bytes);
      long norm =
          squares == null ? 0 : operands.read(squares, Double.BYTES * NnLaunch.squares(dtype));
      long newer = recording == null ? 0 : recording.ratesAddress();
      launch.update(dtype, optimizer, step, w, g, first, second, norm, clip, count, newer);
      operands.giveBack();
    } finally {
      operands.release();
    }
  }

  @Override
  public synchronized void close() {
    operands.close();
    if (products != null) {
      products.close();
    }
  }
}
