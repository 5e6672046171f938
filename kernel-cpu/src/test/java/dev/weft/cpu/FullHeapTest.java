package dev.weft.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.DType;
import dev.weft.Lease;
import dev.weft.Matrix;
import dev.weft.MemoryLimitException;
import dev.weft.PackedMatrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A Java heap that is full when an operation begins, and has room for a little more each time: the
 * operation fails at one object after the other, and has given back what it counted.
 */
@Tag("slow") // every try collects garbage several times
@Timeout(600)
class FullHeapTest {
  /** Objects that are given up between two tries: some 400 bytes. */
  private static final int STEP = 16;

  @TempDir Path directory;

  @Test
  void whatFailedForWantOfMemoryHasEnded() throws Exception {
    Path log = directory.resolve("log");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx12m",
                "-XX:+UseSerialGC",
                "-XX:-UseTLAB", // an object is as large as it is
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                FullHeapTest.class.getName())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    assertThat(process.waitFor()).as(Files.readString(log)).isZero();
    assertThat(Files.readString(log)).contains("operations failed, and then did not");
  }

  /** Objects that fill the heap. */
  private static Object[] ballast;

  /** What is done in the JVM of the test. */
  public static void main(String[] args) {
    Backend backend = Weft.open("scalar", BackendOptions.DEFAULT.withThreads(3));
    Backend onExecutor =
        Weft.open(
            "scalar",
            BackendOptions.DEFAULT
                .withThreads(3)
                .withExecutor(task -> Thread.ofPlatform().daemon().start(task)));
    Shape shape = Shape.of(40, 1000);
    RandomKey key = RandomKey.of(1);
    try (Tensor tensor = backend.tensor(DType.F32, shape);
        Tensor other = onExecutor.tensor(DType.F32, shape)) {
      List<Runnable> operations =
          List.of(
              () -> backend.tensor(DType.F32, shape).close(),
              () -> tensor.fill(Fill.uniform(0, 1), RandomKey.of(System.nanoTime())),
              () -> other.fill(Fill.normal(0, 1), key),
              () -> {
                Lease lease = tensor.lend();
                lease.close();
              },
              () -> {
                PackedMatrix packed = backend.pack(Matrix.of(tensor));
                packed.close();
              },
              () -> {
                MemorySegment row = MemorySegment.ofArray(new float[1000]);
                tensor.copyTo(0, row);
              },
              () -> Activation.TANH.forward(tensor, tensor),
              () -> Dense.of(3, 2).build(backend, key).close());
      for (Runnable operation : operations) {
        operation.run(); // loads what it needs
      }
      int failed = 0;
      for (Runnable operation : operations) {
        int failures = failures(operation);
        System.out.println(failures + " failures");
        failed += failures > 0 ? 1 : 0;
      }
      if (failed < operations.size() / 2) { // the collector may find some room that it kept
        throw new AssertionError("operations that failed: " + failed);
      }
    }
    if (backend.memory().allocatedBytes() != 0 || onExecutor.memory().allocatedBytes() != 0) {
      throw new AssertionError(backend.memory() + " " + onExecutor.memory());
    }
    backend.close();
    onExecutor.close();
    System.out.println("operations failed, and then did not");
  }

  /** How often it failed before it did not. */
  private static int failures(Runnable operation) {
    fillHeap();
    int failures = 0;
    boolean done = false;
    while (!done) {
      try {
        operation.run();
        done = true;
      } catch (OutOfMemoryError | MemoryLimitException e) {
        failures++;
      }
      for (int i = 0; i < STEP && ballast != null; i++) {
        ballast = (Object[]) ballast[0];
      }
      if (ballast == null && !done) {
        throw new AssertionError("an operation needs the whole heap");
      }
    }
    ballast = null;
    return failures;
  }

  private static void fillHeap() {
    int[] sizes = {100_000, 10_000, 0, 0, 0};
    for (int size : sizes) {
      System.gc();
      try {
        while (true) {
          Object[] next = size == 0 ? new Object[1] : new Object[] {null, new byte[size]};
          next[0] = ballast;
          ballast = next;
        }
      } catch (OutOfMemoryError e) {
        // full, but for smaller ones
      }
    }
  }
}
