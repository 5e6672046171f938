package dev.weft.gpu;

import dev.weft.BackendInfo;
import dev.weft.BackendOptions;
import dev.weft.BackendUnavailableException;
import dev.weft.DType;
import dev.weft.MemoryInfo;
import dev.weft.Precision;
import dev.weft.Region;
import dev.weft.gpu.blas.Products;
import dev.weft.gpu.cuda.Cuda;
import dev.weft.gpu.cuda.Device;
import dev.weft.gpu.cuda.DeviceMemory;
import dev.weft.gpu.cuda.Transfers;
import dev.weft.gpu.cuda.UnavailableException;
import dev.weft.gpu.kernels.FillKernel;
import dev.weft.gpu.kernels.FillLaunch;
import dev.weft.gpu.kernels.NnKernel;
import dev.weft.gpu.kernels.NnLaunch;
import dev.weft.gpu.kernels.OrthogonalPlan;
import dev.weft.gpu.rand.Curand;
import dev.weft.init.Fill;
import dev.weft.internal.Chunks;
import dev.weft.internal.Failures;
import dev.weft.nn.Activation;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.nn.Optimizer;
import dev.weft.nn.Write;
import dev.weft.random.RandomKey;
import dev.weft.spi.BackendProvider;
import dev.weft.spi.Buffer;
import dev.weft.spi.Engine;
import dev.weft.spi.StepRecorder;
import dev.weft.spi.StridedMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.List;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The CUDA backend: fills by the kernels of kernels/fill.cu, into the device's memory or, chunk by
 * chunk, into the host's. Large orthogonal matrices are made on the device too ({@link
 * OrthogonalFill}), within a stated bound of the CPU's; small ones, and custom fills, which call
 * the caller's code, the CPU backend does. Products, layers and training: {@link Layers}.
 *
 * <p>Fills of the device's memory have begun when they return. What reads them comes after them.
 */
final class GpuEngine implements Engine {
  /**
   * Blocks of a large fill, at most: several for every place on a GPU, so that they end at other
   * times. On an H200 8192 were the fastest of 1024 to 32768.
   */
  private static final int MOST_BLOCKS = 8192;

  private static final System.Logger LOG = System.getLogger("dev.weft");

  private final BackendInfo info;
  private final Device device;
  private final DeviceMemory memory;
  private final Transfers transfers;
  private final Curand words; // null: the kernels compute them
  private final ArrayDeque<FillWorkspace> idle = new ArrayDeque<>(); // guarded by itself
  private final BackendOptions hostOptions;
  private final OrthogonalPath orthogonalPath;
  private final ProductPath productPath;
  private final Precision precision;
  private OrthogonalFill orthogonal; // made when first needed; guarded by this
  private boolean orthogonalMissing; // likewise
  private Engine host; // likewise
  private Layers layers; // likewise
  private final Set<StepGraphs> recorders = ConcurrentHashMap.newKeySet(); // that are open

  GpuEngine(
      BackendInfo info,
      Cuda.DeviceInfo opened,
      Generator generator,
      OrthogonalPath orthogonalPath,
      ProductPath productPath,
      BackendOptions options) {
    this.info = info;
    this.orthogonalPath = orthogonalPath;
    this.productPath = productPath;
    this.precision = options.precision();
    boolean curand = generator == Generator.CURAND;
    this.device =
        new Device(
            opened,
            curand ? List.of(FillKernel.ptx(), FillKernel.wordsPtx()) : List.of(FillKernel.ptx()));
    this.hostOptions = options.withMemoryLimit(0); // the limit is of the device's memory
    try {
      this.memory = new DeviceMemory(device, options.memoryLimit());
      this.transfers = new Transfers(device, memory);
      this.words = curand ? new Curand(device, memory) : null;
    } catch (Throwable e) {
      device.close();
      throw e;
    }
  }

  @Override
  public BackendInfo info() {
    return info;
  }

  @Override
  public int deviceOrdinal() {
    return device.info().ordinal();
  }

  @Override
  public MemoryInfo memory() {
    return memory.info();
  }

  @Override
  public Buffer allocate(long byteSize) {
    DeviceMemory.Block block = memory.allocate(byteSize);
    return new DeviceBuffer(block.address(), block);
  }

  @Override
  public Buffer wrap(long devicePointer, long byteSize) {
    device.requireOwn(devicePointer, byteSize);
    return new DeviceBuffer(devicePointer, null);
  }

  @Override
  public void synchronize() {
    device.synchronize();
  }

  @Override
  public Buffer wrap(MemorySegment segment) {
    return new HostBuffer(segment);
  }

  @Override
  public void read(Buffer buffer, long byteOffset, MemorySegment out) {
    switch (buffer) {
      case DeviceBuffer b -> transfers.read(b.devicePointer() + byteOffset, out);
      default -> out.copyFrom(buffer.segment().asSlice(byteOffset, out.byteSize()));
    }
  }

  @Override
  public void write(Buffer buffer, long byteOffset, MemorySegment in) {
    switch (buffer) {
      case DeviceBuffer b -> transfers.write(in, b.devicePointer() + byteOffset);
      default -> buffer.segment().asSlice(byteOffset, in.byteSize()).copyFrom(in);
    }
  }

  @Override
  public void fill(Fill fill, RandomKey key, DType dtype, Region region, Buffer out) {
    if (region.shape().elements() == 0) {
      return;
    }
    if (!FillLaunch.supports(fill)) {
      if (fill instanceof Fill.Custom || !fillOrthogonal(fill, key, dtype, region, out)) {
        fillOnHost(fill, key, dtype, region, out);
      }
      return;
    }
    long elements = region.shape().elements();
    if (out instanceof DeviceBuffer b) { // without an object
      fillPart(fill, key, dtype, region, 0, elements, b.devicePointer());
    } else {
      int size = dtype.byteSize();
      produce(
          (from, count, address) ->
              fillPart(fill, key, dtype, region, from / size, count / size, address),
          dtype.byteSize(elements),
          out);
    }
  }

  /** Writes memory of the device at once, and the host's chunk by chunk. */
  private void produce(Transfers.Producer producer, long bytes, Buffer out) {
    if (out instanceof DeviceBuffer b) {
      producer.produce(0, bytes, b.devicePointer());
    } else {
      transfers.produce(producer, out.segment().asSlice(0, bytes));
    }
  }

  private void fillPart(
      Fill fill, RandomKey key, DType dtype, Region region, long from, long count, long address) {
    FillWorkspace workspace = fillWorkspace();
    workspace.fills.fillPart(fill, key, dtype, region, from, count, address, workspace);
    synchronized (idle) {
      idle.push(workspace); // one that failed is left to the collector
    }
  }

  private FillWorkspace fillWorkspace() {
    synchronized (idle) {
      return idle.isEmpty() ? new FillWorkspace() : idle.pop();
    }
  }

  private void launch(String kernel, long items, int threads, Device.Arguments arguments) {
    long blocks = Math.min((items + threads - 1) / threads, MOST_BLOCKS);
    if (blocks > FillKernel.COLUMN_BLOCKS) {
      blocks -= blocks % FillKernel.COLUMN_BLOCKS;
    }
    device.launch(kernel, (int) blocks, threads, arguments);
  }

  /** On the device; false if it is the CPU's to do, and nothing was written. */
  private boolean fillOrthogonal(Fill fill, RandomKey key, DType dtype, Region region, Buffer out) {
    OrthogonalPlan plan = OrthogonalPlan.of(fill, region.logical());
    if (orthogonalPath == OrthogonalPath.CPU
        || orthogonalPath == OrthogonalPath.AUTO && !OrthogonalFill.isLarge(plan)) {
      return false;
    }
    if (!OrthogonalFill.fits(plan, memory)) {
      LOG.log(
          System.Logger.Level.DEBUG,
          "orthogonal: the cpu makes {0} x {1}, which the memory of {2} does not allow",
          plan.rows(),
          plan.columns(),
          info.name());
      return false;
    }
    OrthogonalFill onDevice = orthogonal();
    if (onDevice == null) {
      return false;
    }
    long bytes = dtype.byteSize(region.shape().elements());
    if (!onDevice.fill(plan, key, dtype, region, producer -> produce(producer, bytes, out))) {
      LOG.log(
          System.Logger.Level.DEBUG,
          "orthogonal: the cpu makes {0} x {1} of key {2}, which is ill-conditioned",
          plan.rows(),
          plan.columns(),
          key);
      return false;
    }
    return true;
  }

  /** What makes them on the device; null where it is missing and the CPU may do it. */
  private synchronized OrthogonalFill orthogonal() {
    if (orthogonal == null && !orthogonalMissing) {
      try {
        orthogonal =
            new OrthogonalFill(
                device,
                memory,
                transfers,
                this::fillPart,
                (kernel, items, threads, arguments) ->
                    launch(kernel.symbol(), items, threads, new Device.Arguments(arguments)));
      } catch (UnavailableException e) {
        if (orthogonalPath == OrthogonalPath.DEVICE) {
          throw new BackendUnavailableException(
              "orthogonal: need cuBLAS for -D"
                  + OrthogonalPath.PROPERTY
                  + "=device: "
                  + e.getMessage()
                  + "; remedy: "
                  + e.remedy(),
              e);
        }
        orthogonalMissing = true;
        LOG.log(
            System.Logger.Level.WARNING,
            "{0}: the cpu makes orthogonal fills: {1}; remedy: {2}",
            info.name(),
            e.getMessage(),
            e.remedy());
      }
    }
    return orthogonal;
  }

  /** What one fill at a time needs on the host; used again, so that a fill allocates nothing. */
  private final class FillWorkspace implements FillLaunch.Launcher {
    final FillLaunch fills = new FillLaunch(Arena.ofAuto(), words);
    private Device.Arguments arguments;

    @Override
    public void launch(FillKernel kernel, long items, MemorySegment pointers) {
      if (arguments == null) {
        arguments = new Device.Arguments(pointers); // the same for every launch of fills
      }
      GpuEngine.this.launch(kernel.symbol(), items, FillKernel.MAX_THREADS, arguments);
    }
  }

  /**
   * By the CPU backend, straight into host memory or by way of it: in bounded parts if a part costs
   * no more than its share.
   */
  private void fillOnHost(Fill fill, RandomKey key, DType dtype, Region region, Buffer out) {
    Engine engine = host();
    if (out instanceof HostBuffer b) {
      engine.fill(fill, key, dtype, region, engine.wrap(b.segment));
      return;
    }
    long elements = region.shape().elements();
    long most =
        fill instanceof Fill.Custom
            ? Math.min(Transfers.CHUNK / dtype.byteSize(), elements)
            : elements;
    Buffer staged = engine.allocate(dtype.byteSize(most));
    try {
      long[] at = {0};
      Chunks.forEach(
          region,
          most,
          part -> {
            long bytes = dtype.byteSize(part.shape().elements());
            engine.fill(fill, key, dtype, part, staged);
            write(out, at[0], staged.segment().asSlice(0, bytes));
            at[0] += bytes;
          });
    } finally {
      staged.close();
    }
  }

  @Override
  public double orthogonalityError(
      DType dtype, long rows, long columns, double gain, Buffer matrix) {
    Engine engine = host();
    if (matrix instanceof HostBuffer b) {
      return engine.orthogonalityError(dtype, rows, columns, gain, engine.wrap(b.segment));
    }
    long bytes = dtype.byteSize(Math.multiplyExact(rows, columns));
    Buffer staged = engine.allocate(bytes);
    try {
      read(matrix, 0, staged.segment().asSlice(0, bytes));
      return engine.orthogonalityError(dtype, rows, columns, gain, staged);
    } finally {
      staged.close();
    }
  }

  /** The best backend of the host. */
  private synchronized Engine host() {
    if (host != null) {
      return host;
    }
    BackendProvider best = null;
    BackendInfo bestInfo = null;
    for (BackendProvider provider :
        ServiceLoader.load(BackendProvider.class, Engine.class.getClassLoader())) {
      if (!(provider instanceof GpuProvider)) {
        for (BackendInfo found : provider.backends()) {
          if (found.probe().available() && (best == null || found.rank() > bestInfo.rank())) {
            best = provider;
            bestInfo = found;
          }
        }
      }
    }
    if (best == null) {
      throw new BackendUnavailableException(
          "fill: orthogonal and custom fills of the gpu backend need the cpu backend;"
              + " remedy: put weft-kernel-cpu on the class path or the module path");
    }
    host = best.open(bestInfo.name(), hostOptions);
    return host;
  }

  /** What does everything but fills; its kernels are loaded when they are first needed. */
  private synchronized Layers layers() {
    if (layers == null) {
      try {
        for (byte[] ptx : NnKernel.ptx()) {
          device.addKernels(ptx);
        }
      } catch (UnavailableException e) {
        throw new BackendUnavailableException(
            "layers: " + e.getMessage() + "; remedy: " + e.remedy(), e);
      }
      layers = new Layers(device, memory, transfers, new LayerLauncher(), products());
    }
    return layers;
  }

  /** cuBLAS; null for weft's kernel. */
  private Products products() {
    if (productPath == ProductPath.WEFT) {
      return null;
    }
    try {
      return new Products(device, memory, precision);
    } catch (UnavailableException e) {
      if (productPath == ProductPath.CUBLAS) {
        throw new BackendUnavailableException(
            "products: need cuBLAS for -D"
                + ProductPath.PROPERTY
                + "=cublas: "
                + e.getMessage()
                + "; remedy: "
                + e.remedy(),
            e);
      }
      LOG.log(
          System.Logger.Level.WARNING,
          "{0}: products take weft''s own kernel, which is slower than cuBLAS: {1}; remedy: {2}",
          info.name(),
          e.getMessage(),
          e.remedy());
      return null;
    }
  }

  /** Starts the kernels of {@link Layers}, whose arguments lie at one place. */
  private final class LayerLauncher implements NnLaunch.Launcher {
    private Device.Arguments arguments;

    @Override
    public void launch(NnKernel kernel, long threads, MemorySegment pointers) {
      if (arguments == null) {
        arguments = new Device.Arguments(pointers);
      }
      GpuEngine.this.launch(kernel.symbol(), threads, FillKernel.MAX_THREADS, arguments);
    }
  }

  @Override
  public void gemm(
      DType dtype, double alpha, StridedMatrix a, StridedMatrix b, double beta, StridedMatrix c) {
    layers().gemm(dtype, alpha, a, b, beta, c);
  }

  @Override
  public Buffer pack(StridedMatrix b) {
    return layers().pack(b);
  }

  @Override
  public void gemm(
      DType dtype, double alpha, StridedMatrix a, Buffer b, double beta, StridedMatrix c) {
    layers().gemm(dtype, alpha, a, b, beta, c);
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
    layers().dense(dtype, x, w, bias, f, z, residual, y);
  }

  @Override
  public void activate(DType dtype, Activation f, StridedMatrix x, StridedMatrix y) {
    layers().activate(dtype, f, x, y);
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
    layers().activationGradient(dtype, f, saved, dy, dz, db, write);
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
    layers().loss(dtype, loss, prediction, labels, target, gradient, value);
  }

  @Override
  public void sumOfSquares(DType dtype, long count, Buffer x, Write write, Buffer sum) {
    layers().sumOfSquares(dtype, count, x, write, sum);
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
    layers()
        .update(dtype, optimizer, step, count, parameters, gradients, slot1, slot2, squares, clip);
  }

  @Override
  public StepRecorder stepRecorder() {
    StepGraphs made = new StepGraphs(device, memory, layers(), recorders::remove);
    recorders.add(made); // of nothing so far
    return made;
  }

  @Override
  public synchronized void close() {
    Failures failures = new Failures();
    for (StepGraphs recorder : recorders) {
      failures.attempt(recorder::close);
    }
    if (words != null) {
      failures.attempt(words::close);
    }
    if (orthogonal != null) {
      failures.attempt(orthogonal::close);
    }
    if (layers != null) {
      failures.attempt(layers::close);
    }
    failures.attempt(transfers::close).attempt(memory::close).attempt(device::close);
    if (host != null) {
      failures.attempt(host::close);
    }
    failures.raise();
  }

  /** The caller's memory on the host. */
  private record HostBuffer(MemorySegment segment) implements Buffer {
    @Override
    public void close() {}
  }
}
