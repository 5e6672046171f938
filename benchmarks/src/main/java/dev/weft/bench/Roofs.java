package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.compare.Roof;
import dev.weft.compare.Suite;
import dev.weft.compare.Task;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The limits above tasks, measured in this process. */
final class Roofs {
  private static final long NANOS = 20_000_000;
  private static final int ROUNDS = 5;

  private final Collection<Task> tasks;
  private final Map<String, Roof> highest = new LinkedHashMap<>();

  /** The limits of {@code tasks}: stores for fills, multiply-adds for the others. */
  Roofs(Collection<Task> tasks) {
    this.tasks = tasks;
  }

  /** Measures each limit once. Other work on the machine only lowers one, so the highest counts. */
  void measure() {
    Set<String> done = new HashSet<>();
    for (Task task : tasks) {
      if (task.suite() == Suite.FILL && task.flop() == 0) {
        String key = task.threads() + " " + task.bytes();
        if (done.add(key)) {
          keep(
              key,
              task.onDevice()
                  ? memset((long) task.bytes())
                  : stores((long) task.bytes(), task.threads()));
        }
      } else if (!task.onDevice() && DType.parse(task.dtype()).byteSize() >= 4) {
        String key = task.threads() + " " + task.dtype();
        if (done.add(key)) {
          keep(key, multiplyAdds(task.dtype(), task.threads()));
        }
      }
    }
  }

  private void keep(String key, Roof now) {
    highest.merge(key, now, (a, b) -> a.rate() >= b.rate() ? a : b);
  }

  /** The highest that {@link #measure} saw. */
  List<Roof> highest() {
    return List.copyOf(highest.values());
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
