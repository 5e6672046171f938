package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.compare.Roof;
import dev.weft.compare.Suite;
import dev.weft.compare.Task;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The limits above tasks, measured in this process. */
final class Roofs {
  private static final long NANOS = 20_000_000;
  private static final int ROUNDS = 5;

  private Roofs() {}

  /** What limits {@code tasks}: stores for fills, multiply-adds for the others; each once. */
  static List<Roof> over(Collection<Task> tasks) {
    Map<String, Roof> roofs = new LinkedHashMap<>();
    for (Task task : tasks) {
      if (task.suite() == Suite.FILL && task.flop() == 0) {
        roofs.computeIfAbsent(
            task.threads() + " " + task.bytes(),
            key ->
                task.onDevice()
                    ? memset((long) task.bytes())
                    : stores((long) task.bytes(), task.threads()));
      } else if (!task.onDevice() && DType.parse(task.dtype()).byteSize() >= 4) {
        roofs.computeIfAbsent(
            task.threads() + " " + task.dtype(), key -> multiplyAdds(task.dtype(), task.threads()));
      }
    }
    return new ArrayList<>(roofs.values());
  }

  private static Roof stores(long bytes, int threads) {
    try (Backend backend = Backends.open("scalar", 1);
        Tensor tensor = backend.tensor(DType.F32, Shape.of(bytes / 4))) {
      double best = 0;
      for (int r = 0; r < ROUNDS; r++) {
        best = Math.max(best, StoreRoof.bytesPerSecond(tensor.segment(), threads, NANOS));
      }
      return new Roof("stores", "", threads, bytes, "GB/s", best * 1e-9);
    }
  }

  private static Roof memset(long bytes) {
    try (Backend backend = Backends.open("gpu", 0);
        Tensor tensor = backend.tensor(DType.F32, Shape.of(bytes / 4))) {
      return new Roof("memset", "", 0, bytes, "GB/s", DeviceRoof.write("gpu", tensor) * 1e-9);
    }
  }

  private static Roof multiplyAdds(String dtype, int threads) {
    double rate = FmaRoof.flopPerSecond(DType.parse(dtype), threads);
    return new Roof("fma", dtype, threads, 0, "GFLOP/s", rate * 1e-9);
  }
}
