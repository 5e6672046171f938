package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A tensor of 64 GiB, streamed by a JVM with a heap of 256 MiB. */
@Tag("big")
class LargeStreamTest {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Region WHOLE = Region.of(Shape.of(1L << 20, 1L << 14));
  private static final Fill FILL = Fill.uniform(-1, 1);
  private static final RandomKey KEY = RandomKey.of(20261130);
  private static final long MIB = 1 << 20;

  /** Of the JVM, its compiler and its heap; the tensor has 128 times as much. */
  private static final long LIMIT = 512 * MIB;

  @Test
  @Timeout(600)
  void aTensorLargerThanMemory() throws Exception {
    assumeThat(STATUS).as("the peak of a process's memory is read from %s", STATUS).exists();
    Process child =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xmx256m",
                "-XX:MaxDirectMemorySize=16m",
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                LargeStreamTest.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    List<String> lines;
    try (var out = child.inputReader()) {
      lines = out.lines().toList();
    } finally {
      child.destroyForcibly();
    }
    assertThat(child.waitFor()).as("%s", lines).isZero();
    assertThat(lines).hasSize(3);
    assertThat(number(lines.get(0), "chunks ")).isEqualTo(8);
    assertThat(number(lines.get(1), "peak ")).isLessThan(LIMIT);
    assertThat(number(lines.get(2), "control ")).isGreaterThan(LIMIT);
  }

  private static long number(String line, String name) {
    assertThat(line).startsWith(name);
    return Long.parseLong(line.substring(name.length()));
  }

  /** The child: prints how many chunks it compared, and its peak without and with a tensor. */
  public static void main(String[] args) throws IOException {
    try (Backend backend = Weft.open("cpu");
        Backend scalar = Weft.open("scalar")) {
      long begin = System.nanoTime();
      System.out.println("chunks " + stream(backend, scalar));
      System.err.printf(Locale.ROOT, "64 GiB in %.1f s%n", (System.nanoTime() - begin) * 1e-9);
      System.out.println("peak " + peakBytes());
      try (Tensor tensor = backend.tensor(DType.F32, Shape.of(LIMIT / 4))) {
        tensor.fill(FILL, KEY);
        System.out.println("control " + peakBytes());
      }
    }
  }

  /** Compares chosen chunks with regions that are filled alone, by other code. */
  private static int stream(Backend backend, Backend scalar) throws IOException {
    long chunk = 4 * MIB;
    long size = WHOLE.logical().elements() * 4;
    Set<Long> chosen =
        new TreeSet<>(
            Set.of(
                0L,
                chunk,
                (1L << 31) - chunk, // on both sides of 2³¹ bytes, and of 2³¹ elements
                1L << 31,
                (1L << 33) - chunk,
                1L << 33,
                1L << 35,
                size - chunk));
    int[] compared = {0};
    long[] end = {0};
    byte[] expected = new byte[(int) chunk];
    TensorStream.of(backend, FILL, KEY, DType.F32, WHOLE)
        .writeTo(
            (bytes, position) -> {
              require(position == end[0], "position " + position);
              end[0] += bytes.remaining();
              if (chosen.contains(position)) {
                require(bytes.remaining() == chunk, "size " + bytes.remaining());
                MemorySegment memory = MemorySegment.ofArray(expected).fill((byte) 0xA5);
                Region part = WHOLE.slice(position / 4, (position + chunk) / 4);
                scalar.wrap(memory, DType.F32, part.shape()).fill(FILL, KEY, part);
                require(memory.mismatch(MemorySegment.ofBuffer(bytes)) < 0, "chunk " + position);
                compared[0]++;
              }
            });
    require(end[0] == size, "end " + end[0]);
    return compared[0];
  }

  private static void require(boolean condition, String what) {
    if (!condition) {
      throw new AssertionError(what);
    }
  }

  /** The most physical memory that this process has held. */
  private static long peakBytes() throws IOException {
    for (String line : Files.readAllLines(STATUS)) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
      }
    }
    throw new IOException("no VmHWM in " + STATUS);
  }
}
