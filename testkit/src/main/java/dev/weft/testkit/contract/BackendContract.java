package dev.weft.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.random.StreamOrder;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** Opens the backend under test, and fills poisoned memory between guard bands with it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(600)
public abstract class BackendContract {
  static final RandomKey KEY = RandomKey.of(0x0123456789ABCDEFL);

  /** Bytes before and after every output that must stay as they were. */
  static final int GUARD = 192;

  private Backend backend;
  private Backend scalar;

  /** Opens the backend under test. */
  protected abstract Backend open(BackendOptions options);

  /**
   * Whether an element of a product is the CPU's chain of fused multiply-adds, whatever the shapes,
   * and not a sum in an order that a library chooses.
   */
  protected boolean productsAreTheCpus() {
    return true;
  }

  /** Skips the rest of a test of bits where products are in another order. */
  protected final void assumeProductsAreTheCpus() {
    assumeTrue(productsAreTheCpus(), "gemm: this backend sums in an order that a library chooses");
  }

  final Backend open(int threads) {
    return open(BackendOptions.DEFAULT.withThreads(threads));
  }

  @BeforeAll
  final void openShared() {
    backend = open(2);
    scalar = Weft.open("scalar", BackendOptions.DEFAULT.withThreads(2));
  }

  @AfterAll
  final void closeShared() {
    if (backend != null) {
      backend.close();
      scalar.close();
    }
  }

  /** The backend under test with two threads. */
  final Backend backend() {
    return backend;
  }

  /** The scalar backend, which defines the bits of a normal. */
  final Backend scalar() {
    return scalar;
  }

  /** A fill with everything that its elements depend on but their index. */
  record Case(String name, Fill fill, DType dtype, RandomKey key) {
    @Override
    public String toString() {
      return name + " " + dtype.id() + " " + key.order().id();
    }
  }

  /** The fill of an initializer that does not look at the shape. */
  static Fill fill(String spec) {
    return InitializerSpec.parse(spec).initializer(Layout.KERAS).plan(Shape.of(1, 1));
  }

  /** Every combination of these fills with the types and orders. */
  static List<Case> cases(List<String> specs, List<DType> dtypes, List<StreamOrder> orders) {
    List<Case> cases = new ArrayList<>();
    for (String spec : specs) {
      for (DType dtype : dtypes) {
        for (StreamOrder order : orders) {
          cases.add(new Case(spec, fill(spec), dtype, KEY.withOrder(order)));
        }
      }
    }
    return cases;
  }

  final MemorySegment filled(Case c, Region region) {
    return filled(backend, c, region);
  }

  static MemorySegment filled(Backend backend, Case c, Region region) {
    return filled(backend, c.fill, c.key, c.dtype, region);
  }

  /** The bytes that a fill writes into poisoned heap memory, where nothing else may change. */
  static MemorySegment filled(
      Backend backend, Fill fill, RandomKey key, DType dtype, Region region) {
    int size = Math.toIntExact(dtype.byteSize(region.shape().elements()));
    byte[] memory = new byte[size + 2 * GUARD];
    Arrays.fill(memory, (byte) 0xFF);
    MemorySegment out = MemorySegment.ofArray(memory).asSlice(GUARD, size);
    try (Tensor tensor = backend.wrap(out, dtype, region.shape())) {
      tensor.fill(fill, key, region);
    }
    for (int i = 0; i < GUARD; i++) {
      if (memory[i] != -1 || memory[memory.length - 1 - i] != -1) {
        throw new AssertionError(
            fill + " " + dtype + " " + region + " wrote outside: " + i + " bytes from an end");
      }
    }
    return out;
  }

  /** Elements {@code from} to {@code to} of a filled whole. */
  static MemorySegment slice(MemorySegment whole, DType dtype, long from, long to) {
    return whole.asSlice(dtype.byteSize(from), dtype.byteSize(to - from));
  }

  static void assertSame(MemorySegment actual, MemorySegment expected, DType dtype, Object what) {
    long at = actual.mismatch(expected);
    if (at >= 0) {
      assertThat(at)
          .as("%s: first byte that differs, of element %d", what, at / dtype.byteSize())
          .isEqualTo(-1);
    }
  }

  /** A region, filled alone, against its elements in the whole. */
  final void assertPart(Case c, MemorySegment whole, Region region) {
    MemorySegment part = filled(c, region);
    for (long run = 0; run < region.runCount(); run++) {
      long first = region.runStart(run);
      assertSame(
          slice(part, c.dtype(), run * region.runLength(), (run + 1) * region.runLength()),
          slice(whole, c.dtype(), first, first + region.runLength()),
          c.dtype(),
          c + " " + region);
    }
  }
}
