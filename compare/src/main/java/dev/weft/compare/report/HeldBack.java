package dev.weft.compare.report;

import dev.weft.compare.Machine;
import dev.weft.compare.Measurement;
import dev.weft.compare.Results;
import dev.weft.compare.Roof;
import dev.weft.compare.Suite;
import dev.weft.compare.Task;
import dev.weft.compare.Tasks;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A library that was not at its best. Its large products stay far below the processor's limit,
 * because it ran a kernel that was not written for this processor; or they are no faster on more
 * threads, because its threads wait for one another. A ratio to it says little about the library,
 * so its products, layers and training steps are in no mean. Its fills are not made of products.
 *
 * @param library the library
 * @param product its large product that came nearest to the limit, or that of the most threads
 * @param roof that limit, multiply-adds of as many threads
 * @param reason why it was held back; empty where that is not known
 */
public record HeldBack(String library, Measurement product, Roof roof, String reason) {
  /** What stands behind the library's name. */
  public static final String MARK = "†";

  /**
   * The least share of the roof at which a library counts as being at its best. Code of half the
   * vector width reaches half of the roof, or a little more if the clock is higher for it. A kernel
   * of the full width comes near all of it.
   */
  private static final double LEAST_SHARE = 0.6;

  /** Large enough that only the kernel counts, and small enough that every run has it. */
  private static final String SIZE = "1024x1024x1024";

  /** The libraries that were held back in a run. */
  public static List<HeldBack> in(Results results) {
    List<HeldBack> all = new ArrayList<>();
    for (HeldBack best : largeProducts(results).values()) {
      if (best.share() < LEAST_SHARE) {
        all.add(best);
      } else {
        byItsThreads(results, best.library).ifPresent(all::add);
      }
    }
    return all;
  }

  /** A library whose large product is no faster on its most threads than on one. */
  private static Optional<HeldBack> byItsThreads(Results results, String library) {
    List<Measurement> products =
        results.measurements().stream()
            .filter(it -> isLarge(it) && !it.byWeft() && !it.task().onDevice())
            .filter(it -> Contest.peer(it).equals(library))
            .sorted(Comparator.comparingInt(it -> it.task().threads()))
            .toList();
    if (products.isEmpty() || products.getFirst().task().threads() != 1) {
      return Optional.empty();
    }
    Measurement one = products.getFirst();
    Measurement most = products.getLast();
    return most.task().threads() == 1 || most.rate() > one.rate()
        ? Optional.empty()
        : limit(results, most.task())
            .map(it -> new HeldBack(library, most, it, "no faster than on one thread"));
  }

  /** The libraries with products, layers or steps of which a run does not tell. */
  static Set<String> unknown(Results results) {
    Set<String> unknown = new LinkedHashSet<>();
    for (Measurement it : results.measurements()) {
      if (!it.byWeft() && it.task().suite() != Suite.FILL) {
        unknown.add(Contest.peer(it));
      }
    }
    unknown.removeAll(largeProducts(results).keySet());
    return unknown;
  }

  /** Whether a measurement is one of those that this is about. */
  public boolean covers(Measurement it) {
    return it.task().suite() != Suite.FILL && !it.byWeft() && Contest.peer(it).equals(library);
  }

  double share() {
    return product.rate() / roof.rate();
  }

  /** Which library it is, how far below the roof it stayed, and why. */
  @Override
  public String toString() {
    return library
        + " "
        + Text.percent(share())
        + " ("
        + Text.digits(product.rate())
        + " of "
        + Text.digits(roof.rate())
        + " "
        + roof.unit()
        + Page.threads(roof.threads())
        + ")"
        + (reason.isEmpty() ? "" : ": " + reason);
  }

  /** What the mark means. */
  static String meaning() {
    return "held back, so in no mean: its best product of "
        + SIZE
        + " f32 is less than "
        + Text.tick(LEAST_SHARE)
        + " of the multiply-adds that as many threads reach, or of the fastest such product,"
        + " or no more on several threads than on one";
  }

  /** What is to be said of libraries that {@link #unknown} found. */
  static String unknownMeaning(Set<String> libraries) {
    return "Not known whether held back, as no such product was measured beside its roof: "
        + String.join(", ", libraries);
  }

  /** By library, the one with the greatest share. */
  private static Map<String, HeldBack> largeProducts(Results results) {
    Map<String, HeldBack> best = new LinkedHashMap<>();
    for (Measurement it : results.measurements()) {
      Optional<Roof> roof = isLarge(it) ? limit(results, it.task()) : Optional.empty();
      if (!it.byWeft() && roof.isPresent()) {
        String library = Contest.peer(it);
        best.merge(
            library,
            new HeldBack(library, it, roof.get(), reason(results, library, it)),
            (a, b) -> a.share() >= b.share() ? a : b);
      }
    }
    return best;
  }

  private static boolean isLarge(Measurement it) {
    Task task = it.task();
    return task.suite() == Suite.GEMM && task.size().equals(SIZE) && task.dtype().equals("f32");
  }

  /**
   * The roof over a large product. Where the fastest of these products is above it, other work
   * lowered the roof while it was measured, and that product is the limit.
   */
  private static Optional<Roof> limit(Results results, Task task) {
    double fastest =
        results.measurements().stream()
            .filter(it -> isLarge(it) && it.task().threads() == task.threads())
            .filter(it -> it.task().onDevice() == task.onDevice())
            .mapToDouble(Measurement::rate)
            .max()
            .orElse(0);
    return results
        .roof(task)
        .map(
            it ->
                new Roof(
                    it.kind(),
                    it.dtype(),
                    it.threads(),
                    it.bytes(),
                    it.unit(),
                    Math.max(it.rate(), fastest)));
  }

  private static String reason(Results results, String library, Measurement product) {
    boolean amd = results.machine().map(Machine::cpu).filter(it -> it.contains("AMD")).isPresent();
    if (amd && library.equals(Tasks.library("mkl"))) {
      return "MKL runs 256-bit code on AMD processors";
    }
    if (amd && library.equals(Tasks.library("pytorch"))) {
      return "its products are MKL's, and MKL runs 256-bit code on AMD processors";
    }
    return product.ran().isEmpty() ? "" : "ran " + product.ran();
  }
}
