package dev.weft.gpu.cuda;

import java.util.Arrays;
import jcuda.Pointer;

/**
 * JCuda's objects for the addresses of the last calls, so that repeated calls make none. One thread
 * at a time.
 */
public final class DevicePointers {
  private static final int KEPT = 256; // a power of two

  private final long[] addresses = new long[KEPT];
  private final Pointer[] pointers = new Pointer[KEPT];

  /** None so far. */
  public DevicePointers() {
    Arrays.fill(pointers, DevicePointer.device(0));
  }

  /** The object for an address of the device. */
  public Pointer of(long address) {
    int at = (int) (address * 0x9E3779B97F4A7C15L >>> 32) & KEPT - 1;
    if (addresses[at] != address) {
      pointers[at] = DevicePointer.device(address);
      addresses[at] = address;
    }
    return pointers[at];
  }
}
