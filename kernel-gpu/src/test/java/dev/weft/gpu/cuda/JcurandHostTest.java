package dev.weft.gpu.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import dev.weft.testkit.Programs;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import jcuda.Pointer;
import jcuda.jcurand.JCurand;
import jcuda.jcurand.curandGenerator;
import jcuda.jcurand.curandOrdering;
import jcuda.jcurand.curandRngType;
import jcuda.jcurand.curandStatus;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * cuRAND itself by way of JCurand, as the backend finds and loads both: the words of its host
 * generator, which needs no GPU, are the CPU backend's. In the profile {@code curand-host}, whose
 * class path has the library.
 */
@Tag("curand-host")
class JcurandHostTest {
  private static final int COUNT = 10_000;

  @BeforeAll
  static void load(@TempDir Path cache) {
    Programs.needExecutableFiles();
    LibrarySearch search =
        new LibrarySearch(
            null, JcurandHostTest.class.getClassLoader(), cache.resolve("weft"), List.of());
    NativeLibraries.loadCurand(search);
    assertThat(cache.resolve("weft")).as("the library comes from the class path").exists();
  }

  /** As {@code Curand} uses it: one generator, and seed and offset anew for each part. */
  @Test
  void wordsOfOneGeneratorAreTheCpusForEverySeedAndOffset() {
    curandGenerator generator = generator(curandOrdering.CURAND_ORDERING_PSEUDO_LEGACY);
    long[] offsets = {
      0, 4, 262_144 - 400, 1L << 32, (1L << 34) - 8, (1L << 40) + 16, 1L << 61, 1L << 62
    };
    for (long seed : new long[] {0, 1, 42, -1, 0x0123456789ABCDEFL, Long.MIN_VALUE}) {
      for (long offset : offsets) {
        int[] theirs = generate(generator, seed, offset);
        assertThat(theirs).as("seed %d, offset %d", seed, offset).isEqualTo(words(seed, offset));
      }
    }
    check(JCurand.curandDestroyGenerator(generator));
  }

  /** Words of f64 elements beyond 2⁶²: offsets are unsigned. */
  @Test
  void offsetsAreUnsigned() {
    curandGenerator generator = generator(curandOrdering.CURAND_ORDERING_PSEUDO_LEGACY);
    long first = Long.MAX_VALUE / 2 + 5_001; // an element of f64, a multiple of 2
    int[] theirs = generate(generator, 7, 2 * first);
    byte[] ours = new byte[4 * COUNT];
    fill(7, DType.F64, first, COUNT / 2, ours);
    assertThat(MemorySegment.ofArray(theirs).mismatch(MemorySegment.ofArray(ours))).isEqualTo(-1);
    check(JCurand.curandDestroyGenerator(generator));
  }

  /** Negative control: the comparison sees another seed and another offset. */
  @Test
  void otherSeedsAndOffsetsDiffer() {
    curandGenerator generator = generator(curandOrdering.CURAND_ORDERING_PSEUDO_LEGACY);
    assertThat(generate(generator, 42, 0)).isNotEqualTo(words(43, 0));
    assertThat(generate(generator, 42, 4)).isNotEqualTo(words(42, 0));
    check(JCurand.curandDestroyGenerator(generator));
  }

  private static curandGenerator generator(int ordering) {
    curandGenerator generator = new curandGenerator();
    int type = curandRngType.CURAND_RNG_PSEUDO_PHILOX4_32_10;
    check(JCurand.curandCreateGeneratorHost(generator, type));
    check(JCurand.curandSetGeneratorOrdering(generator, ordering));
    return generator;
  }

  private static int[] generate(curandGenerator generator, long seed, long offset) {
    int[] out = new int[COUNT];
    check(JCurand.curandSetPseudoRandomGeneratorSeed(generator, seed));
    check(JCurand.curandSetGeneratorOffset(generator, offset));
    check(JCurand.curandGenerate(generator, Pointer.to(out), COUNT));
    return out;
  }

  private static int[] words(long seed, long first) {
    int[] out = new int[COUNT];
    byte[] bytes = new byte[4 * COUNT];
    fill(seed, DType.F32, first, COUNT, bytes);
    MemorySegment.ofArray(out).copyFrom(MemorySegment.ofArray(bytes));
    return out;
  }

  private static void fill(long seed, DType dtype, long first, long count, byte[] out) {
    try (Backend backend = Weft.open("scalar");
        Tensor tensor = backend.wrap(MemorySegment.ofArray(out), dtype, Shape.of(count))) {
      Region region = Region.of(Shape.of(Long.MAX_VALUE)).slice(first, first + count);
      tensor.fill(Fill.bits(), RandomKey.of(seed), region);
    }
  }

  private static void check(int status) {
    assertThat(curandStatus.stringFor(status)).isEqualTo("CURAND_STATUS_SUCCESS");
  }
}
