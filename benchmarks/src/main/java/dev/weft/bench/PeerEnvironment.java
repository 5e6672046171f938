package dev.weft.bench;

import dev.weft.compare.Setting;
import dev.weft.interop.FormatException;
import dev.weft.interop.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The environment in which other libraries run: one that holds none of them back, whatever the
 * shell had set, or one that holds all of them, and weft, to vectors of 256 bits.
 *
 * <p>Libraries read their variables when they are loaded. So {@link Main} starts itself again in
 * this environment, and every process of a suite inherits it.
 *
 * @param changes to the environment that was found, by variable
 */
record PeerEnvironment(List<Change> changes) {
  /** What tells the process that was started again: the changes, as JSON. */
  static final String VARIABLE = "WEFT_BENCH_ENVIRONMENT";

  /** The flag of HotSpot that holds it to vectors of 256 bits. */
  static final String AVX2_FLAG = "-XX:UseAVX=2";

  /**
   * Variables of OpenBLAS, BLIS, MKL, oneDNN, PyTorch, TensorFlow, and of the OpenMP runtimes under
   * them. They choose kernels, block sizes, numbers of threads, and how threads wait.
   */
  private static final Pattern OF_LIBRARIES =
      Pattern.compile(
          "(OPENBLAS|GOTO|BLIS|MKL|DNNL|ONEDNN|OMP|GOMP|KMP)_.*"
              + "|ATEN_CPU_CAPABILITY|TF_ENABLE_ONEDNN_OPTS");

  private static final Set<String> AVX512 = Set.of("avx512f", "avx512dq", "avx512bw", "avx512vl");
  private static final String HELD = "every library is held to 256 bits";

  /** How wide the vectors of a run are. */
  enum Width {
    /** As wide as the processor has them. */
    WIDEST,
    /** 256 bits, AVX2, which is what most processors have. */
    AVX2
  }

  /**
   * One variable.
   *
   * @param found its value before; empty where it was not set
   * @param value its value now; empty where it is removed
   * @param why it has this value
   */
  record Change(String variable, String found, String value, String why) {
    private boolean isFlag() {
      return variable.startsWith("-");
    }

    private Setting setting() {
      String done = value.isEmpty() ? "removed" : "set to " + value + ": " + why;
      return new Setting(variable, found, isFlag() ? "given to every JVM: " + why : done);
    }
  }

  /** What becomes of the environment of this process, on this processor. */
  static PeerEnvironment here(Width width) {
    String flags = cpuInfo("flags");
    return of(System.getenv(), Set.of(flags.split(" +")), cpuInfo("vendor_id"), width);
  }

  /**
   * What becomes of {@code found} on a processor.
   *
   * @param flags of its {@code /proc/cpuinfo}
   * @param vendor of the same: {@code GenuineIntel}, {@code AuthenticAMD} …
   */
  static PeerEnvironment of(
      Map<String, String> found, Set<String> flags, String vendor, Width width) {
    Map<String, Change> changes = new TreeMap<>();
    found.forEach(
        (name, value) -> {
          if (OF_LIBRARIES.matcher(name).matches()) {
            changes.put(name, new Change(name, value, "", ""));
          }
        });
    blis(flags, vendor, width).ifPresent(it -> set(changes, "BLIS_ARCH_TYPE", it[0], it[1]));
    if (width == Width.AVX2) {
      set(changes, "OPENBLAS_CORETYPE", "Haswell", HELD);
      set(changes, "MKL_ENABLE_INSTRUCTIONS", "AVX2", HELD);
      set(changes, "DNNL_MAX_CPU_ISA", "AVX2", HELD);
      set(changes, "ONEDNN_MAX_CPU_ISA", "AVX2", HELD);
      set(changes, "ATEN_CPU_CAPABILITY", "avx2", HELD);
      changes.put(AVX2_FLAG, new Change(AVX2_FLAG, "", AVX2_FLAG, "weft is held to 256 bits, too"));
    }
    return new PeerEnvironment(List.copyOf(changes.values()));
  }

  private static void set(Map<String, Change> changes, String name, String value, String why) {
    Change before = changes.get(name);
    changes.put(name, new Change(name, before == null ? "" : before.found(), value, why));
  }

  /**
   * The number of a sub-configuration in BLIS 0.9.0, the version of {@code libblis.so.4}, and why.
   * BLIS knows the processors of its own years by name and takes less of what others can.
   */
  private static Optional<String[]> blis(Set<String> flags, String vendor, Width width) {
    String[] name = null;
    if (width == Width.WIDEST && flags.containsAll(AVX512)) {
      name = new String[] {"0", "skx"};
    } else if (flags.containsAll(Set.of("avx2", "fma"))) {
      name =
          vendor.equals("AuthenticAMD")
              ? new String[] {"6", "zen3"}
              : new String[] {"3", "haswell"};
    }
    return Optional.ofNullable(name)
        .map(it -> new String[] {it[0], it[1] + ", by the processor's features"});
  }

  /** What a reader of results is told. */
  List<Setting> settings() {
    return changes.stream().map(Change::setting).toList();
  }

  /** Flags of the JVM that the changes ask for. */
  List<String> flags() {
    return changes.stream().filter(Change::isFlag).map(Change::value).toList();
  }

  /** Makes the changes in {@code environment}, of a process that is not begun. */
  void apply(Map<String, String> environment) {
    for (Change each : changes) {
      if (each.isFlag()) {
        continue;
      }
      if (each.value().isEmpty()) {
        environment.remove(each.variable());
      } else {
        environment.put(each.variable(), each.value());
      }
    }
    environment.put(VARIABLE, json());
  }

  private String json() {
    List<Object> rows = new ArrayList<>();
    for (Change each : changes) {
      rows.add(List.of(each.variable(), each.found(), each.value(), each.why()));
    }
    return Json.write(rows);
  }

  /** Whether {@link #apply} made the environment of a process. */
  static boolean isApplied(Map<String, String> environment) {
    return environment.containsKey(VARIABLE);
  }

  /**
   * The changes that made {@code environment}; none where {@link #isApplied} is false.
   *
   * @throws IllegalArgumentException if something else set {@link #VARIABLE}
   */
  static PeerEnvironment inherited(Map<String, String> environment) {
    String json = environment.getOrDefault(VARIABLE, "[]");
    try {
      List<Change> changes = new ArrayList<>();
      for (Object row : (List<?>) Json.parse(VARIABLE, json)) {
        List<String> texts = ((List<?>) row).stream().map(String.class::cast).toList();
        changes.add(new Change(texts.get(0), texts.get(1), texts.get(2), texts.get(3)));
      }
      return new PeerEnvironment(List.copyOf(changes));
    } catch (FormatException | ClassCastException | IndexOutOfBoundsException e) {
      throw new IllegalArgumentException(
          VARIABLE + ": need what weft bench sets itself, got " + json, e);
    }
  }

  private static String cpuInfo(String key) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith(key))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse("");
    } catch (IOException e) {
      return ""; // not Linux, where the other libraries do not run either
    }
  }
}
