package dev.weft.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.random.Philox4x32;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The stream against NVIDIA's own: cuRAND's host generator, which needs no GPU, called live.
 *
 * <p>Runs in the profile {@code curand-host}, which puts libcurand on the class path. Words must be
 * equal; normals, whose angle cuRAND rounds to f32, within {@value #NORMAL_TOLERANCE}.
 */
@Tag("curand-host")
@SuppressWarnings("restricted") // calls a native library, as it must
class CurandHostTest {
  /** A bound on cuRAND's own rounding: measured at 1e-6, documented for weft's normals as 4e-6. */
  private static final double NORMAL_TOLERANCE = 4e-6;

  private static final String LIBRARY = "/org/bytedeco/cuda/linux-x86_64/libcurand.so.10";
  private static final int RNG_PSEUDO_PHILOX4_32_10 = 161;
  private static final int ORDERING_PSEUDO_LEGACY = 103;
  private static final int COUNT = 100_000; // beyond one block of any kernel, not a multiple of 64

  private static final Arena ARENA = Arena.ofShared();
  private static SymbolLookup curand;

  @BeforeAll
  static void load(@TempDir Path directory) throws IOException {
    Path library = directory.resolve("libcurand.so.10");
    try (InputStream in = CurandHostTest.class.getResourceAsStream(LIBRARY)) {
      assertThat(in).as("%s on the class path: use the profile curand-host", LIBRARY).isNotNull();
      Files.copy(in, library);
    }
    curand = SymbolLookup.libraryLookup(library, ARENA);
  }

  @AfterAll
  static void unload() {
    ARENA.close();
  }

  static List<Arguments> streams() {
    List<Arguments> streams = new ArrayList<>();
    for (long seed : new long[] {0, 1, 42, 0xDEADBEEFL, 0x0123456789ABCDEFL, -1, Long.MIN_VALUE}) {
      for (long offset : new long[] {0, 2, 6, 4 * 65_536 - 8, 1L << 32, (1L << 40) + 10}) {
        for (String backend : List.of("scalar", "cpu")) {
          streams.add(Arguments.of(backend, seed, offset));
        }
      }
    }
    return streams;
  }

  @ParameterizedTest
  @MethodSource("streams")
  void wordsAreEqual(String name, long seed, long offset) throws Throwable {
    for (int odd = 0; odd < 2; odd++) {
      int[] theirs =
          generate(
                  seed,
                  offset + odd,
                  (generator, out) ->
                      call("curandGenerate", ADDRESS, ADDRESS, JAVA_LONG)
                          .invoke(generator, out, (long) COUNT))
              .toArray(JAVA_INT);
      int[] ours = fill(name, Fill.bits(), seed, offset + odd).toArray(JAVA_INT);
      assertThat(ours).isEqualTo(theirs);
      assertThat(Philox4x32.word(RandomKey.of(seed), offset + odd)).isEqualTo(theirs[0]);
    }
  }

  @ParameterizedTest
  @MethodSource("streams")
  void normalsAreClose(String name, long seed, long offset) throws Throwable {
    float[] theirs =
        generate(
                seed,
                offset,
                (generator, out) ->
                    call(
                            "curandGenerateNormal",
                            ADDRESS,
                            ADDRESS,
                            JAVA_LONG,
                            JAVA_FLOAT,
                            JAVA_FLOAT)
                        .invoke(generator, out, (long) COUNT, 0f, 1f))
            .toArray(JAVA_FLOAT);
    float[] ours = fill(name, Fill.normal(0, 1), seed, offset).toArray(JAVA_FLOAT);
    double worst = 0;
    for (int i = 0; i < COUNT; i++) {
      worst = Math.max(worst, Math.abs((double) ours[i] - theirs[i]));
    }
    assertThat(worst).isCloseTo(0, within(NORMAL_TOLERANCE));
    assertThat(ours[0])
        .as("shifted by one, the streams differ")
        .isNotCloseTo(theirs[1], within(1e-4f));
  }

  /** Elements offset … offset + COUNT of a tensor, in memory of the test. */
  private static MemorySegment fill(String name, Fill fill, long seed, long offset) {
    MemorySegment out = MemorySegment.ofArray(new int[COUNT]).fill((byte) 0xFF);
    try (Backend backend = Weft.open(name);
        Tensor tensor = backend.wrap(out, DType.F32, Shape.of(COUNT))) {
      Region region = Region.of(Shape.of(offset + COUNT)).slice(offset, offset + COUNT);
      tensor.fill(fill, RandomKey.of(seed), region);
    }
    return out;
  }

  /** A call of cuRAND that writes COUNT elements; returns its status. */
  private interface Generate {
    Object into(MemorySegment generator, MemorySegment out) throws Throwable;
  }

  /**
   * COUNT elements that {@code generate} of cuRAND's host generator writes from a word offset on.
   */
  private static MemorySegment generate(long seed, long offset, Generate generate)
      throws Throwable {
    MemorySegment handle = ARENA.allocate(ADDRESS);
    MemorySegment out = ARENA.allocate(JAVA_INT, COUNT);
    check(
        call("curandCreateGeneratorHost", ADDRESS, JAVA_INT)
            .invoke(handle, RNG_PSEUDO_PHILOX4_32_10));
    MemorySegment generator = handle.get(ADDRESS, 0);
    check(call("curandSetPseudoRandomGeneratorSeed", ADDRESS, JAVA_LONG).invoke(generator, seed));
    check(
        call("curandSetGeneratorOrdering", ADDRESS, JAVA_INT)
            .invoke(generator, ORDERING_PSEUDO_LEGACY));
    check(call("curandSetGeneratorOffset", ADDRESS, JAVA_LONG).invoke(generator, offset));
    check(generate.into(generator, out));
    check(call("curandDestroyGenerator", ADDRESS).invoke(generator));
    return out;
  }

  private static MethodHandle call(String function, MemoryLayout... parameters) {
    return Linker.nativeLinker()
        .downcallHandle(curand.findOrThrow(function), FunctionDescriptor.of(JAVA_INT, parameters));
  }

  private static void check(Object status) {
    assertThat(status).as("curandStatus_t").isEqualTo(0);
  }
}
