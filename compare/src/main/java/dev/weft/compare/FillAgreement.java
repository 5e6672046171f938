package dev.weft.compare;

import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.random.StreamOrder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * Compares the bytes of several techniques: the first is the reference, and equality with it is
 * equality with one another. Outputs are poisoned first, and end in a guard band.
 */
public final class FillAgreement {
  private static final long GUARD_BYTES = 64;
  private static final byte POISON = (byte) 0xA5;
  private static final long SEED = 0x9E3779B97F4A7C15L;

  private final List<Case> cases;

  /**
   * What is compared.
   *
   * @param fill its name in the table
   * @param part which region: {@code whole}, {@code slice}, {@code far}
   */
  public record Case(
      String fill, Fill plan, DType dtype, StreamOrder order, String part, Region region) {
    @Override
    public String toString() {
      return fill + " " + dtype.id() + " " + order.id() + " " + part + " " + region;
    }
  }

  /**
   * The first difference.
   *
   * @param element row-major element of the region; its element count where the guard band differs
   */
  public record Mismatch(
      Case where, String technique, long element, String expected, String found) {
    @Override
    public String toString() {
      return technique
          + " differs in "
          + where
          + " at element "
          + element
          + ": expected "
          + expected
          + ", got "
          + found;
    }
  }

  private FillAgreement(List<Case> cases) {
    this.cases = cases;
  }

  /**
   * Every fill, type and order, for tensors of about {@code elements} elements and parts of them.
   */
  public static FillAgreement of(long elements) {
    List<Case> cases = new ArrayList<>();
    long side = (long) Math.sqrt(elements);
    Shape vector = Shape.of(elements);
    Shape matrix = Shape.of(side, side + 1);
    Shape convolution = Shape.of(3, 5, side / 4, side / 3);
    Shape huge = Shape.of(1L << 42);
    Map<String, Fill> streams = new LinkedHashMap<>();
    streams.put("bits", Fill.bits());
    streams.put("uniform", Fill.uniform(-0.05, 0.1));
    streams.put("normal", Fill.normal(0.01, 0.05));
    streams.put("truncated_normal", Fill.truncatedNormalSigma(0, 0.05, -2, 2));
    streams.put("truncated tail", Fill.truncatedNormalSigma(0, 1, 3, Double.POSITIVE_INFINITY));
    for (DType dtype : DType.values()) {
      for (StreamOrder order : StreamOrder.values()) {
        streams.forEach(
            (name, fill) -> {
              cases.add(new Case(name, fill, dtype, order, "whole", Region.of(vector)));
              Region slice = Region.of(vector).slice(7, elements - elements / 3);
              cases.add(new Case(name, fill, dtype, order, "slice", slice));
              long far = (1L << 40) + 13;
              Region beyond = Region.of(huge).slice(far, far + elements / 7);
              cases.add(new Case(name, fill, dtype, order, "far", beyond));
            });
        Region whole = Region.of(matrix);
        Region box = whole.box(new long[] {3, 1}, new long[] {side - 5, side - 3});
        Fill sparse = Fill.sparse(0.9, 0.01);
        cases.add(new Case("sparse", sparse, dtype, order, "whole", whole));
        cases.add(new Case("sparse", sparse, dtype, order, "box", box));
        Fill orthogonal = Fill.orthogonal(1, Layout.KERAS);
        Shape square = Shape.of(65, 48);
        cases.add(new Case("orthogonal", orthogonal, dtype, order, "whole", Region.of(square)));
        Fill delta = Fill.deltaOrthogonal(1, Layout.KERAS);
        Shape taps = Shape.of(3, 3, 17, 33);
        cases.add(new Case("delta_orthogonal", delta, dtype, order, "whole", Region.of(taps)));
      }
      StreamOrder any = StreamOrder.CURAND;
      Region whole = Region.of(convolution);
      Region matrixSlice = Region.of(matrix).slice(5, matrix.elements() - 3);
      cases.add(new Case("constant", Fill.constant(1.5), dtype, any, "whole", Region.of(vector)));
      cases.add(new Case("identity", Fill.identity(2), dtype, any, "slice", matrixSlice));
      cases.add(new Case("dirac", Fill.dirac(1, Layout.KERAS), dtype, any, "whole", whole));
    }
    return new FillAgreement(cases);
  }

  /** Every case, in the order of the table. */
  public List<Case> cases() {
    return cases;
  }

  /** Compares all techniques with the first; at most one mismatch for each case and technique. */
  public List<Mismatch> run(List<Technique> techniques, IntConsumer progress) {
    List<Mismatch> mismatches = new ArrayList<>();
    RandomKey seed = RandomKey.of(SEED);
    for (int i = 0; i < cases.size(); i++) {
      Case one = cases.get(i);
      progress.accept(i);
      RandomKey key = seed.child(one.fill()).withOrder(one.order());
      one.plan().check(one.region().logical(), one.dtype());
      try (Arena arena = Arena.ofShared()) {
        long bytes = one.dtype().byteSize(one.region().shape().elements());
        MemorySegment expected = arena.allocate(bytes + GUARD_BYTES, 64);
        MemorySegment found = arena.allocate(bytes + GUARD_BYTES, 64);
        fill(techniques.getFirst(), one, key, expected, bytes);
        for (Technique technique : techniques.subList(1, techniques.size())) {
          fill(technique, one, key, found, bytes);
          long at = expected.mismatch(found);
          if (at >= 0) {
            mismatches.add(mismatch(one, technique, expected, found, at));
          }
        }
      }
    }
    return mismatches;
  }

  /**
   * The same for each fill, type and technique but the first.
   *
   * @param mismatches what {@link #run} found
   */
  public List<Agreement> agreements(List<Technique> techniques, List<Mismatch> mismatches) {
    List<Agreement> agreements = new ArrayList<>();
    Map<String, List<Case>> groups = new LinkedHashMap<>();
    for (Case each : cases) {
      groups
          .computeIfAbsent(each.fill() + " " + each.dtype().id(), key -> new ArrayList<>())
          .add(each);
    }
    for (List<Case> group : groups.values()) {
      for (Technique technique : techniques.subList(1, techniques.size())) {
        Optional<Mismatch> first =
            mismatches.stream()
                .filter(it -> it.technique().equals(technique.name()) && group.contains(it.where()))
                .findFirst();
        agreements.add(
            new Agreement(
                group.getFirst().fill(),
                group.getFirst().dtype().id(),
                technique.name(),
                group.size(),
                first.isEmpty(),
                first.isEmpty() ? 0 : Double.POSITIVE_INFINITY,
                first.map(Mismatch::toString).orElse("")));
      }
    }
    return agreements;
  }

  private static void fill(
      Technique technique, Case one, RandomKey key, MemorySegment out, long bytes) {
    out.fill(POISON);
    technique.filler().fill(one.plan(), key, one.dtype(), one.region(), out.asSlice(0, bytes));
  }

  private static Mismatch mismatch(
      Case one, Technique technique, MemorySegment expected, MemorySegment found, long at) {
    int size = one.dtype().byteSize();
    long offset = at / size * size;
    return new Mismatch(
        one, technique.name(), at / size, hex(expected, offset, size), hex(found, offset, size));
  }

  private static String hex(MemorySegment segment, long offset, int size) {
    StringBuilder text = new StringBuilder("0x");
    for (int i = size - 1; i >= 0; i--) {
      byte b = segment.get(ValueLayout.JAVA_BYTE, offset + i);
      text.append(String.format("%02x", b));
    }
    return text.toString();
  }
}
