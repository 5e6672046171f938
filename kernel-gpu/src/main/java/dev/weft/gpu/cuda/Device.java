package dev.weft.gpu.cuda;

import dev.weft.DeviceException;
import dev.weft.internal.Checks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUmemorytype;
import jcuda.driver.CUmodule;
import jcuda.driver.CUpointer_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
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
  private static final Pattern ENTRY = Pattern.compile("\\.entry (\\w+)");

  private final Cuda.DeviceInfo info;
  private final CUdevice device = new CUdevice();
  private final Context context = new Context();
  private final CUstream compute;
  private final CUstream copy;
  private final List<CUmodule> modules = new CopyOnWriteArrayList<>();
  private final Map<String, CUmodule> moduleOf = new ConcurrentHashMap<>(); // by kernel
  private final Map<String, CUfunction> functions = new ConcurrentHashMap<>();
  private volatile Thread recorder; // whose launches and calls are recorded
  private CUstream recording; // where; made when first needed
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
        load(ptx);
      }
    } catch (Throwable e) {
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

  private void load(byte[] ptx) {
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
    modules.add(made);
    Matcher entries = ENTRY.matcher(new String(ptx, StandardCharsets.US_ASCII));
    while (entries.find()) {
      moduleOf.put(entries.group(1), made);
    }
  }

  /**
   * Loads more kernels.
   *
   * @param ptx ended by a zero byte
   * @throws UnavailableException if the driver refuses them
   */
  public void addKernels(byte[] ptx) {
    begin();
    load(ptx);
  }

  /** What was opened. */
  public Cuda.DeviceInfo info() {
    return info;
  }

  /** Makes the context the calling thread's. */
  private void bind() {
    Cuda.check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
  }

  /** Begins an operation on a device that lives: calls that follow on this thread find it. */
  public void begin() {
    requireAlive();
    bind();
  }

  /**
   * Throws if the device is lost.
   *
   * @throws DeviceException with the first error
   */
  void requireAlive() {
    DeviceException e = death;
    if (e != null) {
      throw new DeviceException(
          "the device is lost, close its backend; the first error was: " + e.getMessage(), true);
    }
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

  /**
   * Checks memory that is not of {@link #allocate}.
   *
   * @throws IllegalArgumentException {@code wrap: need …, got pointer=0x…, …} unless these bytes
   *     are of this device, and of the primary context if of any
   */
  public void requireOwn(long address, long bytes) {
    begin();
    String pointer = "0x" + Long.toHexString(address);
    int type = (int) attribute(address, CUpointer_attribute.CU_POINTER_ATTRIBUTE_MEMORY_TYPE);
    if (type != CUmemorytype.CU_MEMORYTYPE_DEVICE) {
      throw Checks.bad(
          "wrap",
          "need memory of a device that CUDA knows",
          "pointer",
          pointer,
          "type",
          type < 0 ? "unknown" : CUmemorytype.stringFor(type));
    }
    long ordinal = attribute(address, CUpointer_attribute.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL);
    if (ordinal != info.ordinal()) {
      throw Checks.bad(
          "wrap", "need memory of device " + info.ordinal(), "pointer", pointer, "device", ordinal);
    }
    long owner = attribute(address, CUpointer_attribute.CU_POINTER_ATTRIBUTE_CONTEXT);
    if (owner > 0 && owner != context.address()) { // memory of a pool has none
      throw Checks.bad("wrap", "need memory of the device's primary context", "pointer", pointer);
    }
    long start = attribute(address, CUpointer_attribute.CU_POINTER_ATTRIBUTE_RANGE_START_ADDR);
    long size = attribute(address, CUpointer_attribute.CU_POINTER_ATTRIBUTE_RANGE_SIZE);
    if (bytes > start + size - address) {
      throw Checks.bad(
          "wrap",
          "need at least as many bytes as the shape",
          "pointer",
          pointer,
          "bytes",
          start + size - address,
          "needed",
          bytes);
    }
  }

  /** What the driver knows of an address; −1 if it does not know it. */
  private long attribute(long address, int attribute) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(ValueLayout.JAVA_LONG); // zeros; some are of 4 bytes
      Pointer out = DevicePointer.host(value.address());
      int status = JCudaDriver.cuPointerGetAttribute(out, attribute, DevicePointer.device(address));
      if (status == CUresult.CUDA_ERROR_INVALID_VALUE) {
        return -1;
      }
      check(status, "cuPointerGetAttribute");
      return value.get(ValueLayout.JAVA_LONG, 0);
    }
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
    if (death == null && JCudaDriver.cuCtxSetCurrent(context) == CUresult.CUDA_SUCCESS) {
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
   * Begins a copy from the host's memory on the computing stream. It is read before this returns:
   * CUDA copies up to 64 KiB of pageable memory aside, and waits for more.
   */
  public void upload(Upload upload) {
    begin();
    check(
        JCudaDriver.cuMemcpyHtoDAsync(upload.to, upload.from, upload.bytes, compute),
        "cuMemcpyHtoDAsync");
  }

  /** What {@link #upload} copies and where to; made once. */
  public static final class Upload {
    private final CUdeviceptr to;
    private final Pointer from;
    private final long bytes;

    /** From memory that stays while it is used, off the heap, to an address of the device. */
    public Upload(MemorySegment in, long address) {
      to = DevicePointer.device(address);
      from = DevicePointer.host(in.address());
      bytes = in.byteSize();
    }
  }

  /** Launches and calls that were recorded, to be made again at once. */
  public static final class Graph {
    private final CUgraphExec exec = new CUgraphExec();

    private Graph() {}
  }

  /**
   * Records what {@code work} launches and calls on this thread, which is not done. One at a time;
   * other threads go on as always.
   */
  public Graph record(Runnable work) {
    begin();
    if (recording == null) {
      recording = stream();
    }
    CUgraph graph = new CUgraph();
    int relaxed = CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED; // memory may be allocated
    check(JCudaDriver.cuStreamBeginCapture(recording, relaxed), "cuStreamBeginCapture");
    recorder = Thread.currentThread();
    boolean done = false;
    try {
      work.run();
      done = true;
    } finally {
      recorder = null;
      if (!done && death == null) {
        bind();
        JCudaDriver.cuStreamEndCapture(recording, graph); // also of one that is invalid
        JCudaDriver.cuGraphDestroy(graph);
      }
    }
    begin();
    check(JCudaDriver.cuStreamEndCapture(recording, graph), "cuStreamEndCapture");
    Graph made = new Graph();
    try {
      check(JCudaDriver.cuGraphInstantiate(made.exec, graph, 0), "cuGraphInstantiate");
    } finally {
      JCudaDriver.cuGraphDestroy(graph);
    }
    return made;
  }

  /** Begins what was recorded, on the computing stream. */
  public void launch(Graph graph) {
    begin();
    check(JCudaDriver.cuGraphLaunch(graph.exec, compute), "cuGraphLaunch");
  }

  /** Gives a graph back; one that runs ends first. */
  public void destroy(Graph graph) {
    if (death == null) {
      bind();
      JCudaDriver.cuGraphExecDestroy(graph.exec);
    }
  }

  /** Where launches and calls of this thread go. */
  private CUstream callStream() {
    return recorder == Thread.currentThread() ? recording : compute;
  }

  /** Begins to write one word over and over on the computing stream: the plainest of fills. */
  public void set(long address, int word, long words) {
    begin();
    check(
        JCudaDriver.cuMemsetD32Async(DevicePointer.device(address), word, words, compute),
        "cuMemsetD32Async");
  }

  /** Begins to copy memory of the device to other memory of it on the computing stream. */
  public void copy(long from, long to, long bytes) {
    begin();
    check(
        JCudaDriver.cuMemcpyDtoDAsync(
            DevicePointer.device(to), DevicePointer.device(from), bytes, compute),
        "cuMemcpyDtoDAsync");
  }

  /** A kernel's arguments, {@code void*[]}, in the form that launches take; made once. */
  public static final class Arguments {
    private final Pointer pointers;

    /** Arguments in memory that stays while they are used. */
    public Arguments(MemorySegment pointers) {
      this.pointers = DevicePointer.host(pointers.address());
    }
  }

  /** Launches a kernel on the computing stream, one-dimensional; it has then read its arguments. */
  public void launch(String kernel, int blocks, int threads, Arguments arguments) {
    CUfunction function = function(kernel);
    begin();
    check(
        JCudaDriver.cuLaunchKernel(
            function, blocks, 1, 1, threads, 1, 1, 0, callStream(), arguments.pointers, null),
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
    calls.on(callStream());
  }

  private CUfunction function(String kernel) {
    CUfunction known = functions.get(kernel);
    if (known != null) {
      return known;
    }
    begin();
    CUfunction function = new CUfunction();
    check(
        JCudaDriver.cuModuleGetFunction(function, moduleOf.get(kernel), kernel),
        "cuModuleGetFunction");
    functions.put(kernel, function);
    return function;
  }

  /** The primary context, whose address JCuda hides. */
  private static final class Context extends CUcontext {
    long address() {
      return getNativePointer();
    }
  }

  /** Gives the context back; memory, streams and kernels of a lost one are gone with it. */
  @Override
  public void close() {
    try {
      if (death == null) {
        bind();
        JCudaDriver.cuStreamSynchronize(compute);
        modules.forEach(JCudaDriver::cuModuleUnload);
        JCudaDriver.cuStreamDestroy(copy);
        destroy(recording);
        JCudaDriver.cuStreamDestroy(compute);
      }
    } finally {
      JCudaDriver.cuDevicePrimaryCtxRelease(device);
    }
  }
}
