package dev.weft.compare;

import dev.weft.Backend;
import dev.weft.BackendInfo;
import dev.weft.BackendOptions;
import dev.weft.BackendUnavailableException;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * One way to compute a fill: a backend, a vector width, a number of threads.
 *
 * @param name for example {@code cpu-512 × 2}
 * @param family the backend and width without the threads
 * @param backend what computes it
 */
public record Technique(
    String name, String family, int threads, Filler filler, Backend backend, Runnable release)
    implements AutoCloseable {
  private static final int[] VECTOR_BITS = {128, 256, 512};

  /** Writes a region of a logical tensor to {@code out}. */
  @FunctionalInterface
  public interface Filler {
    void fill(Fill fill, RandomKey key, DType dtype, Region region, MemorySegment out);
  }

  /**
   * Every technique that runs here, the scalar one on one thread first.
   *
   * @param missing is told the name and the reason of each that does not run here
   */
  public static List<Technique> all(BiConsumer<String, String> missing) {
    List<Technique> found = new ArrayList<>();
    List<BackendInfo> backends = new ArrayList<>(Weft.backends());
    backends.sort((a, b) -> Integer.compare(a.rank(), b.rank()));
    for (BackendInfo info : backends) {
      if (!info.probe().available()) {
        missing.accept(info.name(), info.probe().reason());
        continue;
      }
      if (info.name().equals("gpu:0")) {
        continue; // another name of gpu
      }
      for (Map.Entry<String, BackendOptions> way : ways(info.name()).entrySet()) {
        try {
          Set<Integer> counts = info.name().startsWith("gpu") ? Set.of(1) : threadCounts();
          for (int threads : counts) {
            found.add(open(info.name(), way.getKey(), way.getValue().withThreads(threads)));
          }
        } catch (BackendUnavailableException e) {
          missing.accept(way.getKey(), e.getMessage().replaceFirst("^open: ", ""));
        }
      }
    }
    return found;
  }

  /** One thread, and as many as the JVM has processors. */
  public static Set<Integer> threadCounts() {
    Set<Integer> counts = new LinkedHashSet<>();
    counts.add(1);
    counts.add(Runtime.getRuntime().availableProcessors());
    return counts;
  }

  /** Whether its tensors are in the memory of a device. */
  public boolean onDevice() {
    try (Tensor tensor = backend.tensor(DType.F32, Shape.of(1))) {
      return !tensor.isHost();
    }
  }

  /** Whether this is one of several vector widths of one backend. */
  public boolean isVectorWidth() {
    return family.startsWith("cpu-");
  }

  @Override
  public void close() {
    release.run();
  }

  private static Map<String, BackendOptions> ways(String backend) {
    Map<String, BackendOptions> ways = new LinkedHashMap<>();
    if (backend.equals("cpu")) {
      for (int bits : VECTOR_BITS) {
        ways.put("cpu-" + bits, BackendOptions.DEFAULT.withVectorBits(bits));
      }
    } else {
      ways.put(backend, BackendOptions.DEFAULT);
    }
    return ways;
  }

  private static Technique open(String name, String family, BackendOptions options) {
    Backend backend = Weft.open(name, options);
    Filler filler =
        (fill, key, dtype, region, out) -> {
          try (Tensor tensor = backend.wrap(out, dtype, region.shape())) {
            tensor.fill(fill, key, region);
          }
        };
    return new Technique(
        family + " × " + options.threads(),
        family,
        options.threads(),
        filler,
        backend,
        backend::close);
  }
}
