package dev.weft.interop;

import dev.weft.Lease;
import dev.weft.internal.Access;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The structs that were exported and not deleted yet. What a deleter is called with is looked up
 * here and never read, so a second call for the same struct does nothing.
 */
final class DlpackExports {
  private static final System.Logger LOG = System.getLogger("dev.weft");

  /** Leases by the address of their struct. */
  private static final ConcurrentHashMap<Long, Lease> OPEN = new ConcurrentHashMap<>();

  private DlpackExports() {}

  /** The address of the function {@code void deleter(struct *)}. */
  static long deleter() {
    return NativeMemory.Deleter.ADDRESS;
  }

  /** Keeps the lease until the deleter is called with the struct, which it returns. */
  static long add(Lease lease, long struct) {
    try {
      OPEN.put(struct, lease);
    } catch (Throwable e) {
      OPEN.remove(struct);
      NativeMemory.free(struct);
      throw e;
    }
    return struct;
  }

  /** What the deleter does, on a thread of whatever library calls it: an exception ends the JVM. */
  static void delete(long struct) {
    try {
      Lease lease = OPEN.remove(struct);
      if (lease == null) {
        LOG.log(
            System.Logger.Level.WARNING,
            "dlpack: a deleter was called with what is not exported: {0}",
            DlpackTensor.hex(struct));
        return;
      }
      NativeMemory.free(struct);
      Access.get().closeLater(lease);
    } catch (Throwable e) {
      report(e);
    }
  }

  private static void report(Throwable e) {
    try {
      LOG.log(System.Logger.Level.ERROR, "dlpack: a deleter failed", e);
    } catch (Throwable nothingIsLeft) {
      // the caller is C
    }
  }
}
