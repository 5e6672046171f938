package dev.weft;

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
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ObjDoubleConsumer;

/** An engine that counts its buffers, fills with ones by way of a hook, and knows one limit. */
public final class HeapEngine implements Engine {
  static final long LIMIT = 1 << 20;

  final AtomicInteger fills = new AtomicInteger();
  final AtomicInteger gemms = new AtomicInteger();
  final AtomicInteger operations = new AtomicInteger();
  final AtomicInteger closes = new AtomicInteger();
  final AtomicLong held = new AtomicLong();
  volatile Runnable duringFill = () -> {};
  volatile ObjDoubleConsumer<Cost> spend = (cost, units) -> {}; // as a calibration counts them
  volatile Region lastRegion;
  private final String name;

  /** An engine of this name. */
  public HeapEngine(String name) {
    this.name = name;
  }

  /** A backend of it, for tests of other packages. */
  public Backend backend() {
    return new Backend(this);
  }

  /** Operations of layers and training, and products, so far. */
  public int calls() {
    return operations.get() + gemms.get();
  }

  /** Bytes of its own that are not closed. */
  public long held() {
    return held.get();
  }

  @Override
  public BackendInfo info() {
    return new BackendInfo(name, 0, Probe.available("heap"));
  }

  @Override
  public MemoryInfo memory() {
    return new MemoryInfo(held.get(), held.get(), LIMIT);
  }

  @Override
  public Buffer allocate(long byteSize) {
    if (byteSize > LIMIT - held.get()) {
      throw new MemoryLimitException("allocate", "need room", byteSize, LIMIT - held.get());
    }
    held.addAndGet(byteSize);
    Arena arena = Arena.ofShared();
    MemorySegment segment = arena.allocate(byteSize, 64);
    return new Buffer() {
      @Override
      public MemorySegment segment() {
        return segment;
      }

      @Override
      public void close() {
        arena.close();
        held.addAndGet(-byteSize);
      }
    };
  }

  @Override
  public Buffer wrap(MemorySegment segment) {
    return new Buffer() {
      @Override
      public MemorySegment segment() {
        return segment;
      }

      @Override
      public void close() {
        throw new AssertionError("a caller's memory is not closed");
      }
    };
  }

  @Override
  public void fill(Fill fill, RandomKey key, DType dtype, Region region, Buffer out) {
    fills.incrementAndGet();
    lastRegion = region;
    duringFill.run();
    Cost cost = Cost.of(fill);
    if (cost != null) {
      double elements = region.shape().elements();
      spend.accept(cost, cost == Cost.STORE ? out.segment().byteSize() : elements);
    }
    out.segment().fill((byte) 1);
  }

  @Override
  public void gemm(
      DType dtype, double alpha, StridedMatrix a, StridedMatrix b, double beta, StridedMatrix c) {
    gemms.incrementAndGet();
    spend.accept(Cost.gemm(dtype), 2.0 * c.rows() * c.columns() * a.columns());
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
    operations.incrementAndGet();
  }

  @Override
  public void activate(DType dtype, Activation f, StridedMatrix x, StridedMatrix y) {
    operations.incrementAndGet();
    spend.accept(Cost.PASS, 8.0 * x.rows() * x.columns());
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
    operations.incrementAndGet();
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
    operations.incrementAndGet();
  }

  @Override
  public void sumOfSquares(DType dtype, long count, Buffer x, Write write, Buffer sum) {
    operations.incrementAndGet();
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
    operations.incrementAndGet();
    spend.accept(Cost.UPDATE, 28.0 * count);
  }

  @Override
  public Buffer pack(StridedMatrix b) {
    return allocate(b.dtype().byteSize(b.rows() * b.columns()));
  }

  @Override
  public void gemm(
      DType dtype, double alpha, StridedMatrix a, Buffer b, double beta, StridedMatrix c) {
    gemms.incrementAndGet();
  }

  @Override
  public double orthogonalityError(
      DType dtype, long rows, long columns, double gain, Buffer matrix) {
    return rows * 1000 + columns;
  }

  @Override
  public void close() {
    closes.incrementAndGet();
  }
}
