package dev.weft.gpu.cuda;

import dev.weft.DeviceException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/**
 * An open device: its primary context, two streams (one computes, one copies) and its kernels. A
 * CUDA context belongs to a thread of the system, and virtual threads move between those: every
 * operation binds it anew, and nothing between that and the call lets a virtual thread go.
 *
 * <p>An error after which the context is lost makes the device dead: every later operation but
 * {@link #close} repeats it.
 */
public final class Device implements AutoCloseable {
  private final Cuda.DeviceInfo info;
  private final CUdevice device = new CUdevice();
  private final CUcontext context = new CUcontext();
  private final CUstream compute;
  private final CUstream copy;
  private final List<CUmodule> modules = new CopyOnWriteArrayList<>();
  private final Map<String, CUfunction> functions = new ConcurrentHashMap<>();
  private volatile DeviceException death;

  /**
   * Opens a device.
   *
   * @param kernels their PTX, each ended by a zero byte
   * @throws UnavailableException if it cannot be opened
   */
  public Device(Cuda.DeviceInfo info, List<byte[]> kernels) {
    this.info = info;
    Cuda.check(JCudaDriver.cuDeviceGet(device, info.ordinal()), "cuDeviceGet");
    int status = JCudaDriver.cuDevicePrimaryCtxRetain(context, device);
    if (status != CUresult.CUDA_SUCCESS) {
      throw new UnavailableException(
          "device " + info.ordinal() + " has no context to give: " + CUresult.stringFor(status),
          status == CUresult.CUDA_ERROR_OUT_OF_MEMORY
              ? "end what uses its memory: nvidia-smi"
              : "see whether another process has it alone: nvidia-smi");
    }
    CUstream first = null;
    CUstream second = null;
    try {
      bind();
      first = stream();
      second = stream();
      for (byte[] ptx : kernels) {
        modules.add(load(ptx));
      }
    } catch (DeviceException | UnavailableException e) {
      modules.forEach(JCudaDriver::cuModuleUnload);
      destroy(second);
      destroy(first);
      JCudaDriver.cuDevicePrimaryCtxRelease(device);
      throw e;
    }
    compute = first;
    copy = second;
  }

  private static CUstream stream() {
    CUstream stream = new CUstream();
    int flags = CUstream_flags.CU_STREAM_NON_BLOCKING;
    Cuda.check(JCudaDriver.cuStreamCreate(stream, flags), "cuStreamCreate");
    return stream;
  }

  private static void destroy(CUstream stream) {
    if (stream != null) {
      JCudaDriver.cuStreamDestroy(stream);
    }
  }

  private CUmodule load(byte[] ptx) {
    CUmodule made = new CUmodule();
    int status = JCudaDriver.cuModuleLoadData(made, ptx);
    if (status != CUresult.CUDA_SUCCESS) {
      String first = new String(ptx, StandardCharsets.US_ASCII);
      int at = first.indexOf(".version");
      String line = at < 0 ? "" : first.substring(at, first.indexOf('\n', at));
      throw new UnavailableException(
          "the driver (CUDA "
              + Cuda.version(info.driver())
              + ") refuses the kernels ("
              + line
              + "): "
              + CUresult.stringFor(status),
          "install a newer driver");
    }
    return made;
  }

  /**
   * Loads more kernels.
   *
   * @param ptx ended by a zero byte
   * @throws UnavailableException if the driver refuses them
   */
  public void addKernels(byte[] ptx) {
    begin();
    modules.add(load(ptx));
  }

  /** What was opened. */
  public Cuda.DeviceInfo info() {
    return info;
  }

  /** Makes the context the calling thread's. */
  private void bind() {
    Cuda.check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
  }

  /** Begins an operation on a device that lives. */
  private void begin() {
    DeviceException e = death;
    if (e != null) {
      throw new DeviceException(
          "the device is lost, close its backend; the first error was: " + e.getMessage(), true);
    }
    bind();
  }

  private void check(int status, String call) {
    if (status != CUresult.CUDA_SUCCESS) {
      try {
        Cuda.check(status, call);
      } catch (DeviceException e) {
        if (e.isFatal() && death == null) {
          death = e;
        }
        throw e;
      }
    }
  }

  /**
   * Memory of the device.
   *
   * @return its address, a multiple of 256; 0 if there is not so much
   */
  long allocate(long bytes) {
    begin();
    DevicePointer pointer = new DevicePointer();
    int status = JCudaDriver.cuMemAlloc(pointer, bytes);
    if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
      return 0;
    }
    check(status, "cuMemAlloc");
    return pointer.address();
  }

  /** Gives back memory of {@link #allocate}; waits for what uses it. */
  void free(long address) {
    begin();
    check(JCudaDriver.cuMemFree(DevicePointer.device(address)), "cuMemFree");
  }

  /** Bytes that are free on the device now, for every process. */
  long freeBytes() {
    begin();
    long[] free = new long[1];
    check(JCudaDriver.cuMemGetInfo(free, new long[1]), "cuMemGetInfo");
    return free[0];
  }

  /** Pins host memory for copies that run beside the computation. */
  void register(MemorySegment memory) {
    begin();
    Pointer pointer = DevicePointer.host(memory.address());
    check(JCudaDriver.cuMemHostRegister(pointer, memory.byteSize(), 0), "cuMemHostRegister");
  }

  /** Undoes {@link #register}. */
  void unregister(MemorySegment memory) {
    if (death == null) {
      bind();
      JCudaDriver.cuMemHostUnregister(DevicePointer.host(memory.address()));
    }
  }

  /** A point in a stream. */
  CUevent event() {
    begin();
    CUevent event = new CUevent();
    check(JCudaDriver.cuEventCreate(event, CUevent_flags.CU_EVENT_DISABLE_TIMING), "cuEventCreate");
    return event;
  }

  void destroy(CUevent event) {
    if (death == null) {
      bind();
      JCudaDriver.cuEventDestroy(event);
    }
  }

  /** Marks what the computing stream has been given so far. */
  void recordCompute(CUevent event) {
    begin();
    check(JCudaDriver.cuEventRecord(event, compute), "cuEventRecord");
  }

  /** Marks what the copying stream has been given so far. */
  void recordCopy(CUevent event) {
    begin();
    check(JCudaDriver.cuEventRecord(event, copy), "cuEventRecord");
  }

  /** The copying stream goes on after the event. */
  void copyAfter(CUevent event) {
    begin();
    check(JCudaDriver.cuStreamWaitEvent(copy, event, 0), "cuStreamWaitEvent");
  }

  /** The computing stream goes on after the event. */
  void computeAfter(CUevent event) {
    begin();
    check(JCudaDriver.cuStreamWaitEvent(compute, event, 0), "cuStreamWaitEvent");
  }

  /** The calling thread goes on after the event. */
  void await(CUevent event) {
    begin();
    check(JCudaDriver.cuEventSynchronize(event), "cuEventSynchronize");
  }

  /** Waits for everything that the computing stream has been given. */
  public void synchronize() {
    begin();
    check(JCudaDriver.cuStreamSynchronize(compute), "cuStreamSynchronize");
  }

  /** Waits for both streams after a failure, whose own exception counts. */
  void drain() {
    if (death == null) {
      bind();
      JCudaDriver.cuStreamSynchronize(compute);
      JCudaDriver.cuStreamSynchronize(copy);
    }
  }

  /** Begins a copy to pinned host memory on the copying stream. */
  void copyToHost(long address, MemorySegment out, long bytes) {
    begin();
    Pointer host = DevicePointer.host(out.address());
    check(
        JCudaDriver.cuMemcpyDtoHAsync(host, DevicePointer.device(address), bytes, copy),
        "cuMemcpyDtoHAsync");
  }

  /** Begins a copy from pinned host memory on the copying stream. */
  void copyToDevice(MemorySegment in, long address, long bytes) {
    begin();
    Pointer host = DevicePointer.host(in.address());
    check(
        JCudaDriver.cuMemcpyHtoDAsync(DevicePointer.device(address), host, bytes, copy),
        "cuMemcpyHtoDAsync");
  }

  /**
   * Launches a kernel on the computing stream, one-dimensional.
   *
   * @param parameters {@code void*[]}: where its arguments are, in memory that stays until this
   *     returns
   */
  public void launch(String kernel, int blocks, int threads, MemorySegment parameters) {
    CUfunction function = function(kernel);
    begin();
    check(
        JCudaDriver.cuLaunchKernel(
            function,
            blocks,
            1,
            1,
            threads,
            1,
            1,
            0,
            compute,
            DevicePointer.host(parameters.address()),
            null),
        kernel);
  }

  /** Calls of another of NVIDIA's libraries. */
  public interface Calls {
    /** Makes them on a stream, with the context bound, and checks their statuses. */
    void on(CUstream stream);
  }

  /** Makes calls on the computing stream. */
  public void call(Calls calls) {
    begin();
    calls.on(compute);
  }

  private CUfunction function(String kernel) {
    CUfunction known = functions.get(kernel);
    if (known != null) {
      return known;
    }
    begin();
    CUfunction function = new CUfunction();
    int status = CUresult.CUDA_ERROR_NOT_FOUND;
    for (int i = 0; i < modules.size() && status == CUresult.CUDA_ERROR_NOT_FOUND; i++) {
      status = JCudaDriver.cuModuleGetFunction(function, modules.get(i), kernel);
    }
    check(status, "cuModuleGetFunction");
    functions.put(kernel, function);
    return function;
  }

  /** Gives the context back; memory, streams and kernels of a lost one are gone with it. */
  @Override
  public void close() {
    if (death == null) {
      bind();
      JCudaDriver.cuStreamSynchronize(compute);
      modules.forEach(JCudaDriver::cuModuleUnload);
      JCudaDriver.cuStreamDestroy(copy);
      JCudaDriver.cuStreamDestroy(compute);
    }
    JCudaDriver.cuDevicePrimaryCtxRelease(device);
  }
}
