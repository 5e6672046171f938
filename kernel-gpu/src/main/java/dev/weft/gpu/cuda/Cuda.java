package dev.weft.gpu.cuda;

import dev.weft.DeviceException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.cublasStatus;
import jcuda.jcurand.curandStatus;

/** The CUDA driver: what it is, its devices, and the one place that its status codes pass. */
public final class Cuda {
  /** Least version of the driver: of CUDA 12.0, the first that runs JCuda 12. */
  static final int MIN_DRIVER = 12000;

  /** Least compute capability, times ten: that the kernels are compiled for. */
  static final int MIN_CAPABILITY = 80;

  private static UnavailableException failure; // guarded by the class
  private static boolean loaded;

  private Cuda() {}

  /**
   * A device.
   *
   * @param ordinal its number, from 0
   * @param name as NVIDIA calls it
   * @param capability compute capability times ten: 90 for Hopper
   * @param bytes of its memory
   * @param processors streaming multiprocessors
   * @param driver version of the driver, 1000·major + 10·minor of its CUDA
   */
  public record DeviceInfo(
      int ordinal, String name, int capability, long bytes, int processors, int driver) {}

  /**
   * Every device that the kernels run on.
   *
   * @throws UnavailableException if there is none, with the reason and the remedy
   */
  public static List<DeviceInfo> devices() {
    load();
    int status = JCudaDriver.cuInit(0);
    if (status != CUresult.CUDA_SUCCESS) {
      throw unavailable("cuInit", status);
    }
    int[] value = new int[1];
    check(JCudaDriver.cuDriverGetVersion(value), "cuDriverGetVersion");
    int driver = value[0];
    if (driver < MIN_DRIVER) {
      throw new UnavailableException(
          "the NVIDIA driver is too old: it supports CUDA " + version(driver),
          "install a driver for CUDA " + version(MIN_DRIVER) + " or later");
    }
    check(JCudaDriver.cuDeviceGetCount(value), "cuDeviceGetCount");
    int count = value[0];
    List<DeviceInfo> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(device(i, driver));
    }
    List<DeviceInfo> able = all.stream().filter(d -> d.capability >= MIN_CAPABILITY).toList();
    if (able.isEmpty()) {
      throw new UnavailableException(
          all.isEmpty()
              ? "the NVIDIA driver sees no device"
              : "no device has compute capability 8.0 or more: " + all,
          all.isEmpty()
              ? "look at CUDA_VISIBLE_DEVICES and nvidia-smi"
              : "use a device of 2020 or later");
    }
    return able;
  }

  /** Whether the directory that the property {@code weft.cuda.path} names has a driver. */
  public static boolean hasNamedDriver() {
    return NativeLibraries.namedDriver() != null;
  }

  /**
   * Loads cuRAND, for good.
   *
   * @throws UnavailableException if it is not there, with the places that were looked at
   */
  public static void loadCurand() {
    NativeLibraries.loadCurand(LibrarySearch.ofMachine());
  }

  /**
   * Loads cuBLAS, for good.
   *
   * @throws UnavailableException if it is not there, with the places that were looked at
   */
  public static void loadCublas() {
    NativeLibraries.loadCublas(LibrarySearch.ofMachine());
  }

  /** {@code 12.6} of 12060. */
  public static String version(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }

  private static synchronized void load() {
    if (failure != null) {
      throw failure;
    }
    if (!loaded) {
      try {
        NativeLibraries.loadDriver();
        loaded = true;
      } catch (UnavailableException e) {
        failure = e; // a class whose initializer failed cannot be tried again
        throw e;
      }
    }
  }

  private static DeviceInfo device(int ordinal, int driver) {
    CUdevice device = new CUdevice();
    check(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet");
    byte[] name = new byte[256];
    check(JCudaDriver.cuDeviceGetName(name, name.length, device), "cuDeviceGetName");
    int length = 0;
    while (length < name.length && name[length] != 0) {
      length++;
    }
    long[] bytes = new long[1];
    check(JCudaDriver.cuDeviceTotalMem(bytes, device), "cuDeviceTotalMem");
    int major = attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
    int minor = attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    int processors = attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    return new DeviceInfo(
        ordinal,
        new String(name, 0, length, StandardCharsets.UTF_8),
        10 * major + minor,
        bytes[0],
        processors,
        driver);
  }

  private static int attribute(CUdevice device, int attribute) {
    int[] value = new int[1];
    check(JCudaDriver.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute");
    return value[0];
  }

  /**
   * Does nothing for success.
   *
   * @throws DeviceException for any other status
   */
  static void check(int status, String call) {
    if (status != CUresult.CUDA_SUCCESS) {
      throw new DeviceException(
          call + ": CUDA error " + status + ", " + CUresult.stringFor(status), isFatal(status));
    }
  }

  /**
   * The same for cuRAND. None of its statuses says that the context is lost: the next call of the
   * driver does.
   */
  public static void checkCurand(int status, String call, DeviceInfo device) {
    if (status != curandStatus.CURAND_STATUS_SUCCESS) {
      throw failure(call + ": cuRAND error " + status, curandStatus.stringFor(status), device);
    }
  }

  /** The same for cuBLAS, which does not say either that the context is lost. */
  public static void checkCublas(int status, String call, DeviceInfo device) {
    if (status != cublasStatus.CUBLAS_STATUS_SUCCESS) {
      throw failure(call + ": cuBLAS error " + status, cublasStatus.stringFor(status), device);
    }
  }

  private static DeviceException failure(String what, String status, DeviceInfo device) {
    String where = ", on device " + device.ordinal() + " (" + device.name() + ")";
    return new DeviceException(what + ", " + status + where, false);
  }

  /** Whether a status says that the context, with all its memory, is lost. */
  static boolean isFatal(int status) {
    return switch (status) {
      case CUresult.CUDA_ERROR_DEINITIALIZED,
          CUresult.CUDA_ERROR_ECC_UNCORRECTABLE,
          CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,
          CUresult.CUDA_ERROR_LAUNCH_TIMEOUT,
          CUresult.CUDA_ERROR_CONTEXT_IS_DESTROYED,
          CUresult.CUDA_ERROR_ASSERT,
          CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR,
          CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION,
          CUresult.CUDA_ERROR_MISALIGNED_ADDRESS,
          CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE,
          CUresult.CUDA_ERROR_INVALID_PC,
          CUresult.CUDA_ERROR_LAUNCH_FAILED,
          CUresult.CUDA_ERROR_SYSTEM_NOT_READY,
          CUresult.CUDA_ERROR_UNKNOWN ->
          true;
      default -> false;
    };
  }

  private static UnavailableException unavailable(String call, int status) {
    String name = call + " says " + status + ", " + CUresult.stringFor(status);
    return switch (status) {
      case CUresult.CUDA_ERROR_NO_DEVICE ->
          new UnavailableException(
              "the NVIDIA driver sees no device (" + name + ")",
              "look at CUDA_VISIBLE_DEVICES and nvidia-smi");
      case CUresult.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH ->
          new UnavailableException(
              "the NVIDIA driver's library does not match its kernel module (" + name + ")",
              "reboot, or load the kernel module of the installed version");
      case CUresult.CUDA_ERROR_OUT_OF_MEMORY ->
          new UnavailableException(
              "the device has no memory left (" + name + ")", "end what uses it: nvidia-smi");
      case CUresult.CUDA_ERROR_OPERATING_SYSTEM, CUresult.CUDA_ERROR_NOT_PERMITTED ->
          new UnavailableException(
              "the device may not be opened (" + name + ")",
              "give this user access to /dev/nvidia*");
      default ->
          new UnavailableException(
              "the NVIDIA driver does not start (" + name + ")",
              "see whether nvidia-smi works; use cpu, which gives the same numbers");
    };
  }
}
