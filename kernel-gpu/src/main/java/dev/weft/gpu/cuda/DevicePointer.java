package dev.weft.gpu.cuda;

import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;

/** Addresses for JCuda, which hides them. */
public final class DevicePointer extends CUdeviceptr {
  /** The address that CUDA wrote here. */
  long address() {
    return getNativePointer() + getByteOffset();
  }

  /** Memory of the device. */
  public static CUdeviceptr device(long address) {
    return new CUdeviceptr().withByteOffset(address);
  }

  /** Memory of the host that stays where it is. */
  public static Pointer host(long address) {
    return new Host(address);
  }

  private static final class Host extends Pointer {
    Host(long address) {
      super(address);
    }
  }
}
