package dev.weft.bench;

import com.sun.management.HotSpotDiagnosticMXBean;
import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * The hand-written C of {@code fills.c}, called in this process on the memory that the backend
 * fills. Compiled by gcc on first use, or taken from the library that the system property {@value
 * #PROPERTY} names.
 *
 * <p>Every fill exists for 1 to {@value #MOST_GROUPS} groups of blocks side by side. {@link
 * #choose} compares the bits of all with a backend's, times them in cache, and keeps the fastest.
 */
final class Yardstick {
  /** Path of a compiled {@code fills.c}. */
  static final String PROPERTY = "weft.bench.yardstick";

  /** Groups side by side, one number for each of {@link #LAWS}: nothing is tried then. */
  static final String GROUPS_PROPERTY = "weft.bench.yardstick.groups";

  /** The fills, by the names of {@link Distributions}. */
  static final List<String> LAWS = List.of("uniform", "normal", "truncated_normal");

  /** The most groups of blocks side by side. */
  static final int MOST_GROUPS = 8;

  /** Elements with the same x and y. */
  static final long RUN = 4L << 16;

  /** Lengths whose ends lie in all parts of a turn, before, at and after the end of a run. */
  static final List<Long> LENGTHS =
      List.of(1L, 3L, 16L, 31L, 257L, 4099L, RUN - 1, RUN, RUN + 1, RUN + 389);

  private static final int CACHED = 256 << 10; // bytes
  private static final int ROUNDS = 7;
  private static final long NANOS = 1_500_000;
  private static final int GUARD = 64; // bytes after the elements
  private static final byte POISON = (byte) 0xA5;
  private static final RandomKey KEY = RandomKey.of(0x0123456789ABCDEFL);
  private static final String SOURCE = "fills.c";
  private static final List<String> SOURCES = List.of(SOURCE, "vectors.h");
  private static final String LIBRARY = "fills.so";
  private static final List<String> FLAGS =
      List.of("-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC");

  private final Form form;
  private final Path path;
  private final Map<String, List<MethodHandle>> fills = new LinkedHashMap<>();
  private final MethodHandle store;
  private final MethodHandle fma;
  private final Map<String, Integer> chosen = new LinkedHashMap<>();
  private final Map<String, double[]> tried = new LinkedHashMap<>();

  /** Vectors of a width. */
  enum Form {
    /** 512 bits. */
    AVX512("AVX-512", 512, List.of("avx512f", "avx512bw", "avx512dq", "avx512vl"), List.of()),
    /** 256 bits, and nothing of AVX-512. */
    AVX2("AVX2", 256, List.of("avx2", "fma"), List.of("-mno-avx512f"));

    private final String title;
    private final int bits;
    private final List<String> features;
    private final List<String> flags;

    Form(String title, int bits, List<String> features, List<String> flags) {
      this.title = title;
      this.bits = bits;
      this.features = features;
      this.flags = flags;
    }

    @Override
    public String toString() {
      return title;
    }
  }

  /** Writes the elements of a law's stream, with some number of groups side by side. */
  @FunctionalInterface
  interface Filler {
    void fill(String law, int groups, MemorySegment out, long seed);
  }

  private Yardstick(Form form, Path path, SymbolLookup library) {
    this.form = form;
    this.path = path;
    for (String law : LAWS) {
      List<MethodHandle> variants = new ArrayList<>();
      for (int groups = 1; groups <= MOST_GROUPS; groups++) {
        variants.add(
            find(
                library,
                law + "_" + groups,
                null,
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG));
      }
      fills.put(law, variants);
      chosen.put(law, 1);
    }
    store =
        find(
            library,
            "store_f32",
            null,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_FLOAT);
    fma = find(library, "fma_f32", ValueLayout.JAVA_FLOAT, ValueLayout.JAVA_LONG);
    int bits = vectorBits(library);
    if (bits != form.bits) {
      throw new IllegalArgumentException(
          "need vectors of " + form.bits + " bits, got bits=" + bits + ", library=" + path);
    }
  }

  /**
   * The yardstick with the widest vectors that this processor has and this JVM uses, with the
   * fastest of its variants, whose bits are those of {@code backend}.
   *
   * @throws UnavailableException if this machine cannot build or run it, with the reason
   */
  static Yardstick load(Backend backend) throws UnavailableException {
    Yardstick yardstick = load(form());
    yardstick.choose(backend);
    return yardstick;
  }

  /**
   * The yardstick of a form, with one group side by side: {@link #choose} tries others.
   *
   * @throws UnavailableException if this machine cannot build or run it, with the reason
   */
  static Yardstick load(Form form) throws UnavailableException {
    require(form);
    String given = System.getProperty(PROPERTY);
    if (given != null) {
      return open(form, Path.of(given));
    }
    Set<String> reasons = new LinkedHashSet<>();
    for (String parent : directories()) {
      try {
        return open(form, compile(form, Path.of(parent)));
      } catch (InvalidPathException e) {
        reasons.add("the locale has not all characters of the directory " + parent);
      } catch (UnavailableException e) { // another directory may allow what this one does not
        reasons.add(e.getMessage());
      }
    }
    throw new UnavailableException(String.join("; ", reasons));
  }

  /** The form with the widest vectors that this processor has and this JVM uses. */
  static Form form() throws UnavailableException {
    return jvmBytes() >= 64 && features().containsAll(Form.AVX512.features)
        ? Form.AVX512
        : Form.AVX2;
  }

  /** The form of this yardstick. */
  Form vectors() {
    return form;
  }

  /** The compiled library. */
  Path library() {
    return path;
  }

  /** Floating-point operations of one step of {@link #fma}: 12 multiply-adds of vectors. */
  double flopPerStep() {
    return 12 * 2 * form.bits / 32.0;
  }

  /** Writes the elements of {@code law}, in cuRAND order, over {@code out}, the fastest way. */
  void fill(String law, MemorySegment out, long seed) {
    fill(law, chosen.get(law), out, seed);
  }

  /** The same with {@code groups} groups side by side. */
  void fill(String law, int groups, MemorySegment out, long seed) {
    long elements = elements(out, 1);
    try {
      fills.get(law).get(groups - 1).invokeExact(out, elements, seed);
    } catch (Throwable e) {
      throw new AssertionError("a C function threw", e);
    }
  }

  /** Writes one value over the whole of {@code out} by plain stores. */
  void store(MemorySegment out, float value) {
    long elements = elements(out, 64);
    try {
      store.invokeExact(out, elements, value);
    } catch (Throwable e) {
      throw new AssertionError("a C function threw", e);
    }
  }

  /** Does {@code steps} steps of {@link #flopPerStep} flop each in registers. */
  float fma(long steps) {
    try {
      return (float) fma.invokeExact(steps);
    } catch (Throwable e) {
      throw new AssertionError("a C function threw", e);
    }
  }

  /**
   * Compares all variants with {@code backend}, times each in cache, and keeps the fastest of each
   * law; or takes those that {@value #GROUPS_PROPERTY} names.
   *
   * @throws IllegalStateException if a bit differs
   */
  void choose(Backend backend) {
    requireSameBits(backend, this::fill);
    String given = System.getProperty(GROUPS_PROPERTY);
    if (given != null) {
      String[] groups = given.split(",");
      for (int l = 0; l < LAWS.size(); l++) {
        chosen.put(LAWS.get(l), Integer.parseInt(groups[l]));
      }
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(CACHED, 64);
      for (int r = 0; r < ROUNDS; r++) { // in turns, so that what disturbs one disturbs all
        for (String law : LAWS) {
          double[] rates = tried.computeIfAbsent(law, name -> new double[MOST_GROUPS]);
          for (int groups = 1; groups <= MOST_GROUPS; groups++) {
            int count = groups;
            double rate =
                StoreRoof.bytesPerSecond(
                    memory, 1, NANOS, share -> fill(law, count, share, KEY.seed()));
            rates[groups - 1] = Math.max(rates[groups - 1], rate / Float.BYTES);
          }
        }
      }
    }
    tried.forEach((law, rates) -> chosen.put(law, fastest(rates)));
  }

  /** The groups side by side of each law, in the form of {@value #GROUPS_PROPERTY}. */
  String groups() {
    return chosen.values().stream().map(String::valueOf).collect(Collectors.joining(","));
  }

  /**
   * Elements per second of every variant that {@link #choose} tried, the best of its rounds; empty
   * if it tried none.
   */
  Map<String, double[]> tried() {
    return tried;
  }

  private static int fastest(double[] rates) {
    int best = 0;
    for (int i = 1; i < rates.length; i++) {
      best = rates[i] > rates[best] ? i : best;
    }
    return best + 1;
  }

  /**
   * Compares every law and number of groups with {@code backend}, for all of {@link #LENGTHS}.
   *
   * @throws IllegalStateException if a bit differs, or one is written behind the elements
   */
  static void requireSameBits(Backend backend, Filler c) {
    long most = LENGTHS.stream().mapToLong(Long::longValue).max().getAsLong();
    for (String law : LAWS) {
      Shape shape = Shape.of(most);
      try (Tensor tensor = backend.tensor(DType.F32, shape);
          Arena arena = Arena.ofConfined()) {
        tensor.fill(Distributions.named(law).plan(shape), KEY);
        MemorySegment out = arena.allocate(most * Float.BYTES + GUARD, 64);
        for (int groups = 1; groups <= MOST_GROUPS; groups++) {
          for (long length : LENGTHS) {
            long bytes = length * Float.BYTES;
            out.fill(POISON);
            c.fill(law, groups, out.asSlice(0, bytes), KEY.seed());
            long at = out.asSlice(0, bytes).mismatch(tensor.segment().asSlice(0, bytes));
            for (long b = bytes; at < 0 && b < bytes + GUARD; b++) {
              at = out.get(ValueLayout.JAVA_BYTE, b) == POISON ? -1 : b;
            }
            if (at >= 0) {
              throw differs(law, groups, length, at);
            }
          }
        }
      }
    }
  }

  /**
   * Fills {@code tensor} by its backend and by this, the fastest way.
   *
   * @throws IllegalStateException if a bit differs
   */
  void requireSameBits(Tensor tensor, String law, RandomKey key) {
    Fill fill = Distributions.named(law).plan(tensor.shape());
    Agreement.check(tensor, fill, key);
    MemorySegment memory = tensor.segment();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment copy = arena.allocate(memory.byteSize(), 64).copyFrom(memory);
      memory.fill(POISON);
      fill(law, memory, key.seed());
      long at = memory.mismatch(copy);
      if (at >= 0) {
        throw differs(law, chosen.get(law), memory.byteSize() / Float.BYTES, at);
      }
    }
  }

  private static IllegalStateException differs(String law, int groups, long length, long at) {
    return new IllegalStateException(
        "yardstick: need the backend's bits, got a difference at element="
            + at / Float.BYTES
            + ", law="
            + law
            + ", groups="
            + groups
            + ", elements="
            + length);
  }

  private static long elements(MemorySegment out, int multiple) {
    long count = out.byteSize() / Float.BYTES;
    if (!out.isNative() || out.byteSize() % ((long) multiple * Float.BYTES) != 0) {
      throw new IllegalArgumentException(
          "yardstick: need native memory of a multiple of "
              + multiple
              + " elements, got bytes="
              + out.byteSize());
    }
    return count;
  }

  private static MethodHandle find(
      SymbolLookup library, String name, MemoryLayout result, MemoryLayout... arguments) {
    FunctionDescriptor type =
        result == null
            ? FunctionDescriptor.ofVoid(arguments)
            : FunctionDescriptor.of(result, arguments);
    return downcall(
        library
            .find(name)
            .orElseThrow(() -> new IllegalArgumentException("need the function " + name)),
        type);
  }

  @SuppressWarnings("restricted") // calling C is what this class is for
  private static MethodHandle downcall(MemorySegment address, FunctionDescriptor type) {
    return Linker.nativeLinker().downcallHandle(address, type);
  }

  private static int vectorBits(SymbolLookup library) {
    try {
      return (int) find(library, "vector_bits", ValueLayout.JAVA_INT).invokeExact();
    } catch (RuntimeException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a C function threw", e);
    }
  }

  @SuppressWarnings("restricted")
  private static Yardstick open(Form form, Path library) throws UnavailableException {
    try {
      return new Yardstick(form, library, SymbolLookup.libraryLookup(library, Arena.global()));
    } catch (IllegalArgumentException e) {
      throw new UnavailableException(
          "the library cannot be used (its file system may be mounted noexec): " + e.getMessage());
    }
  }

  /** Bytes of the widest vectors that this JVM's compiler uses. */
  private static int jvmBytes() {
    HotSpotDiagnosticMXBean options =
        ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
    try {
      return Integer.parseInt(options.getVMOption("MaxVectorSize").getValue());
    } catch (IllegalArgumentException e) {
      return 0; // a JVM without such a compiler
    }
  }

  private static void require(Form form) throws UnavailableException {
    if (!features().containsAll(form.features)) {
      throw new UnavailableException(
          "the processor has not all of " + String.join(", ", form.features));
    }
  }

  private static Set<String> features() throws UnavailableException {
    Path cpuinfo = Path.of("/proc/cpuinfo");
    if (!Files.isReadable(cpuinfo)) {
      throw new UnavailableException("it needs Linux's /proc/cpuinfo to know of AVX2 and AVX-512");
    }
    try (var lines = Files.lines(cpuinfo)) {
      return lines
          .filter(line -> line.startsWith("flags"))
          .findFirst()
          .map(line -> Set.copyOf(Arrays.asList(line.split("\\s+"))))
          .orElse(Set.of());
    } catch (IOException e) {
      throw new UnavailableException("/proc/cpuinfo cannot be read: " + e.getMessage());
    }
  }

  /** Where to compile: TMPDIR, of which Java knows nothing, and Java's own. */
  private static Set<String> directories() {
    Set<String> directories = new LinkedHashSet<>();
    String named = System.getenv("TMPDIR");
    if (named != null && !named.isEmpty()) {
      directories.add(named);
    }
    directories.add(System.getProperty("java.io.tmpdir"));
    return directories;
  }

  /** Compiles in a directory of its own in {@code parent}; names on gcc's command are relative. */
  private static Path compile(Form form, Path parent) throws UnavailableException {
    Path directory;
    try {
      directory = Files.createTempDirectory(parent, "weft-yardstick");
    } catch (IOException e) {
      throw new UnavailableException("no directory can be made in " + parent + ": " + e);
    }
    directory.toFile().deleteOnExit();
    try {
      for (String name : SOURCES) {
        Path file = directory.resolve(name);
        file.toFile().deleteOnExit();
        try (InputStream text = Yardstick.class.getResourceAsStream("/" + name)) {
          Files.copy(text, file);
        }
      }
      Path library = directory.resolve(LIBRARY);
      library.toFile().deleteOnExit();
      List<String> command = new ArrayList<>(List.of("gcc"));
      command.addAll(FLAGS);
      command.addAll(form.flags);
      command.addAll(List.of(SOURCE, "-o", LIBRARY));
      Process gcc =
          new ProcessBuilder(command)
              .directory(directory.toFile())
              .redirectErrorStream(true)
              .start();
      String output = new String(gcc.getInputStream().readAllBytes());
      if (!gcc.waitFor(60, TimeUnit.SECONDS) || gcc.exitValue() != 0) {
        throw new UnavailableException("gcc failed: " + output.strip());
      }
      return library;
    } catch (IOException e) {
      throw new UnavailableException("it needs gcc: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new UnavailableException("interrupted while gcc ran");
    }
  }

  /** Why there is no yardstick here. */
  static final class UnavailableException extends Exception {
    private static final long serialVersionUID = 1;

    UnavailableException(String reason) {
      super(reason);
    }
  }
}
