package dev.weft.gpu;

import dev.weft.DType;
import dev.weft.DeviceException;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.gpu.blas.Blas;
import dev.weft.gpu.blas.CholeskyQr;
import dev.weft.gpu.cuda.Device;
import dev.weft.gpu.cuda.DeviceMemory;
import dev.weft.gpu.cuda.Transfers;
import dev.weft.gpu.cuda.UnavailableException;
import dev.weft.gpu.kernels.OrthogonalKernel;
import dev.weft.gpu.kernels.OrthogonalLaunch;
import dev.weft.gpu.kernels.OrthogonalPlan;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Consumer;

/**
 * Orthogonal and delta-orthogonal fills on a device: the CPU's normals, widened to f64, Cholesky QR
 * twice ({@link CholeskyQr}), and gain·Q rounded to the type as the CPU rounds it. No element is
 * known before all are, so that a part of a tensor, too, takes the whole matrix.
 *
 * <p>An element is within {@link dev.weft.Accuracy#orthogonal} of the exact Q, as the CPU's is. The
 * bits are the same from run to run for one version of cuBLAS and one architecture.
 *
 * <p>One at a time. It waits once for the device, to see whether the matrix was too
 * ill-conditioned, before it writes the first element.
 */
final class OrthogonalFill implements AutoCloseable {
  /**
   * Least m·n² that is made on the device. Below, the CPU takes some 10 ms at 100 GFLOP/s (8/3·m·n²
   * flop and less), and the device would spend its time on launches: three for every 64 columns,
   * twice. 646 × 646 is the least square.
   */
  static final long LEAST_PRODUCT = 1L << 28;

  /** Most bytes of normals in f32 that are widened at a time. */
  private static final long NARROW_BYTES = 16L << 20;

  private static final Fill NORMAL = Fill.normal(0, 1);

  private final DeviceMemory memory;
  private final Transfers transfers;
  private final FillPart fills;
  private final OrthogonalLaunch launch;
  private final Blas blas;
  private final CholeskyQr qr;

  /** Fills a part of a region of the device's memory by the kernels of fill.cu. */
  interface FillPart {
    /** Begins to write elements {@code from … from + count − 1} of the region. */
    void fill(
        Fill fill, RandomKey key, DType dtype, Region region, long from, long count, long address);
  }

  /**
   * Fills of a device.
   *
   * @throws UnavailableException if cuBLAS is not there, or the driver refuses the kernels
   * @throws DeviceException if cuBLAS gives no handle
   */
  OrthogonalFill(
      Device device,
      DeviceMemory memory,
      Transfers transfers,
      FillPart fills,
      OrthogonalLaunch.Launcher launcher) {
    this.memory = memory;
    this.transfers = transfers;
    this.fills = fills;
    this.launch = new OrthogonalLaunch(Arena.ofAuto(), launcher);
    this.blas = new Blas(device, memory);
    this.qr = new CholeskyQr(blas, launch);
    try {
      device.addKernels(OrthogonalKernel.ptx());
    } catch (UnavailableException | DeviceException e) {
      blas.close();
      throw e;
    }
  }

  /** Whether a matrix takes the CPU so long that the device pays. */
  static boolean isLarge(OrthogonalPlan plan) {
    return (double) plan.rows() * plan.columns() * plan.columns() >= LEAST_PRODUCT;
  }

  /** Whether a matrix can be made within the memory's limit. */
  static boolean fits(OrthogonalPlan plan, DeviceMemory memory) {
    return memory.allows(matrixBytes(plan), gramBytes(plan), Integer.BYTES);
  }

  private static long matrixBytes(OrthogonalPlan plan) {
    return DType.F64.byteSize(plan.rows() * plan.columns());
  }

  /** Bytes for G, where the normals are in f32 before. */
  private static long gramBytes(OrthogonalPlan plan) {
    long gram = DType.F64.byteSize(plan.columns() * plan.columns());
    return Math.max(gram, Math.min(matrixBytes(plan) / 2, NARROW_BYTES));
  }

  /**
   * Writes a region, or nothing if the matrix is too ill-conditioned.
   *
   * @param out runs what writes a part of the region
   * @return whether it was written
   * @throws dev.weft.MemoryLimitException if the device has not enough memory now
   */
  synchronized boolean fill(
      OrthogonalPlan plan,
      RandomKey key,
      DType dtype,
      Region region,
      Consumer<Transfers.Producer> out) {
    DeviceMemory.Block q = memory.allocate(matrixBytes(plan));
    try {
      if (!orthonormal(plan, key, dtype, q.address())) {
        return false;
      }
      int size = dtype.byteSize();
      launch.region(plan, region);
      out.accept(
          (from, count, address) ->
              launch.write(dtype, q.address(), from / size, count / size, address));
      return true;
    } finally {
      q.release(); // what uses it next comes later on the stream
    }
  }

  /** Writes Q from {@code q} on; false if it could not be found. */
  private boolean orthonormal(OrthogonalPlan plan, RandomKey key, DType dtype, long q) {
    DeviceMemory.Block gram = memory.allocate(gramBytes(plan));
    try {
      DeviceMemory.Block failed = memory.allocate(Integer.BYTES);
      try {
        Region one = Region.of(Shape.of(1));
        fills.fill(Fill.constant(0), key, DType.F32, one, 0, 1, failed.address());
        draw(plan.rows() * plan.columns(), key, dtype, q, gram.address());
        qr.orthonormalize(q, plan.rows(), plan.columns(), gram.address(), failed.address());
        MemorySegment word = MemorySegment.ofArray(new int[1]);
        transfers.read(failed.address(), word);
        return word.get(ValueLayout.JAVA_INT, 0) == 0;
      } finally {
        failed.release();
      }
    } finally {
      gram.release();
    }
  }

  /**
   * Writes the normals of the fill as f64, by way of f32 from {@code narrow} on if they are that.
   */
  private void draw(long elements, RandomKey key, DType dtype, long out, long narrow) {
    Region normals = Region.of(Shape.of(elements));
    if (dtype == DType.F64) {
      fills.fill(NORMAL, key, DType.F64, normals, 0, elements, out);
      return;
    }
    long most = NARROW_BYTES / Float.BYTES;
    for (long from = 0; from < elements; from += most) {
      long count = Math.min(most, elements - from);
      fills.fill(NORMAL, key, DType.F32, normals, from, count, narrow);
      launch.widen(out + from * Double.BYTES, narrow, count);
    }
  }

  @Override
  public synchronized void close() {
    blas.close();
  }
}
