package dev.weft.cpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import dev.weft.testkit.Availability;
import dev.weft.testkit.Programs;
import dev.weft.testkit.Reference;
import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** weft as a guest of another program: under any class loader, without a sound or a trace. */
@Timeout(600)
class EmbeddingTest {
  private static final String INCUBATOR =
      "WARNING: Using incubator modules: jdk.incubator.vector"; // the JVM's own word

  @TempDir Path directory;

  @Test
  void twoCopiesWorkSideBySide() throws Exception {
    try (Copy two = new Copy()) {
      byte[] bytes;
      try (Copy one = new Copy()) {
        assertThat(one.type(Weft.class)).isNotSameAs(two.type(Weft.class)).isNotSameAs(Weft.class);
        bytes = one.program.call();
        assertReferenceBits(bytes);
        assertThat(two.program.call()).isEqualTo(bytes);
      }
      assertThat(two.program.call()).as("after the other has closed").isEqualTo(bytes);
    }
  }

  @Test
  void aClosedCopyIsUnloaded() throws Exception {
    Copy copy = new Copy();
    assertReferenceBits(copy.program.call());
    WeakReference<ClassLoader> loader = new WeakReference<>(copy.loader);
    System.gc();
    assertThat(loader.get()).as("while it is open").isNotNull();
    copy.close();
    copy = null;
    assertThat(
            becomes(
                () -> {
                  System.gc();
                  return loader.get() == null;
                }))
        .isTrue();
  }

  @Test
  void theContextClassLoaderDoesNotMatter() throws Exception {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    try (URLClassLoader empty = new URLClassLoader(new URL[0], null);
        Copy other = new Copy()) {
      for (ClassLoader context : Arrays.asList(null, empty, other.loader)) {
        thread.setContextClassLoader(context);
        try (Program program = new Program()) {
          assertReferenceBits(program.call());
        }
      }
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  @Test
  void threadsEndWithTheirBackend() throws Exception {
    assertThat(becomes(() -> threads().isEmpty())).as("no other test's").isTrue();
    try (Program program = new Program()) {
      program.call();
      assertThat(threads()).as("the pool").hasSize(Program.THREADS - 1);
    }
    assertThat(becomes(() -> threads().isEmpty())).isTrue();
  }

  @Test
  void ordinaryUseIsSilent() throws Exception {
    VectorProbe vectors = VectorProbe.get();
    Availability.need("cpu-128", vectors.bits() > 0, vectors::reason);
    assertThat(
            output("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"))
        .containsExactly(INCUBATOR);
  }

  @Test
  void theWarningOfScalarCodeComesOnce() throws Exception {
    assertThat(output("--enable-native-access=ALL-UNNAMED"))
        .filteredOn(line -> line.contains("cpu runs scalar"))
        .singleElement()
        .asString()
        .contains("run java with --add-modules jdk.incubator.vector");
  }

  /** A program that uses weft twice. */
  public static void main(String[] args) throws Exception {
    for (int i = 0; i < 2; i++) {
      try (Program program = new Program()) {
        program.call();
      }
    }
  }

  /** What {@link #main} writes, in a JVM with {@code options}. */
  private List<String> output(String... options) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(EmbeddingTest.class.getName());
    Path log = directory.resolve("log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    assertThat(process.waitFor()).as(Files.readString(log)).isZero();
    return Programs.withoutJvmNotes(Files.readString(log)).lines().toList();
  }

  private static void assertReferenceBits(byte[] bytes) {
    assertThat(bytes).hasSize((int) (4 * Program.SHAPE.elements()));
    MemorySegment floats = MemorySegment.ofArray(bytes);
    for (long i = 0; i < Program.SHAPE.elements(); i += 9973) {
      assertThat((long) floats.get(JAVA_INT_UNALIGNED, 4 * i))
          .as("element %d", i)
          .isEqualTo(
              (int) Reference.pattern(Program.FILL, Program.KEY, DType.F32, Program.SHAPE, i));
    }
  }

  /** The names of weft's threads that are alive, of every copy. */
  private static List<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("weft"))
        .toList();
  }

  /** Whether {@code condition} holds within half a minute; longer on a busy machine. */
  private static boolean becomes(BooleanSupplier condition) throws InterruptedException {
    for (int i = 0; i < 3000; i++) {
      if (condition.getAsBoolean()) {
        return true;
      }
      Thread.sleep(10);
    }
    return false;
  }

  /** weft once more, under a class loader of its own, and a program there that has it open. */
  private static final class Copy implements AutoCloseable {
    private final URLClassLoader loader;
    private final Callable<byte[]> program;

    @SuppressWarnings("unchecked") // it is a Program of another loader
    Copy() throws Exception {
      List<URL> classes = new ArrayList<>();
      for (Class<?> type : List.of(Weft.class, CpuProvider.class, Program.class)) {
        classes.add(type.getProtectionDomain().getCodeSource().getLocation());
      }
      loader =
          new URLClassLoader(classes.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
      program = (Callable<byte[]>) type(Program.class).getDeclaredConstructor().newInstance();
    }

    Class<?> type(Class<?> original) throws ClassNotFoundException {
      return loader.loadClass(original.getName());
    }

    @Override
    public void close() throws IOException {
      ((Closeable) program).close();
      loader.close();
    }
  }

  /** Has a backend open; each call fills memory of its own and gives the bytes. */
  public static final class Program implements Callable<byte[]>, Closeable {
    static final int THREADS = 3;
    static final Fill FILL = Fill.uniform(-1, 1);
    static final RandomKey KEY = RandomKey.of(42);

    /** More than scalar kernels fill before vectors are tried. */
    static final Shape SHAPE = Shape.of(1536, 2048);

    private final Backend backend = Weft.open("cpu", BackendOptions.DEFAULT.withThreads(THREADS));

    /** For reflection. */
    public Program() {}

    @Override
    public byte[] call() {
      try (Tensor tensor = backend.tensor(DType.F32, SHAPE);
          Tensor product = backend.tensor(DType.F32, Shape.of(64, 64))) {
        tensor.fill(FILL, KEY);
        Matrix rows = Matrix.of(tensor).part(0, 0, 64, 2048);
        backend.gemm(1, rows, rows.transposed(), 0, Matrix.of(product));
        return tensor.segment().toArray(JAVA_BYTE);
      }
    }

    @Override
    public void close() {
      backend.close();
    }
  }
}
