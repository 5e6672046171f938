package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.Shape;
import dev.weft.Weft;
import dev.weft.compare.Agreement;
import dev.weft.compare.Drawn;
import dev.weft.compare.Draws;
import dev.weft.compare.FillAgreement;
import dev.weft.compare.LayerAgreement;
import dev.weft.compare.Missing;
import dev.weft.compare.Signal;
import dev.weft.compare.Signals;
import dev.weft.compare.Technique;
import java.util.ArrayList;
import java.util.List;

/**
 * What a run finds beside rates.
 *
 * @param agreements how all techniques agree
 * @param missing techniques that do not run here; the GPU's absence is told elsewhere
 * @param drawn what initializers draw
 * @param signals what becomes of signals in layers
 */
record Findings(
    List<Agreement> agreements, List<Missing> missing, List<Drawn> drawn, List<Signal> signals) {
  private static final long AGREEMENT_ELEMENTS = 20_011;

  /** Of the backends here. */
  static Findings here(Effort effort) {
    List<Missing> missing = new ArrayList<>();
    return new Findings(agreements(effort, missing), missing, draws(), signals(effort));
  }

  private static List<Agreement> agreements(Effort effort, List<Missing> missing) {
    List<Technique> techniques =
        Technique.all(
            (name, reason) -> {
              if (!name.startsWith("gpu")) {
                missing.add(new Missing("weft " + name, "agreement", reason));
              }
            });
    List<Technique> some = comparable(techniques, effort);
    try {
      FillAgreement fills = FillAgreement.of(effort == Effort.SMOKE ? 1000 : AGREEMENT_ELEMENTS);
      List<Agreement> agreements = new ArrayList<>();
      agreements.addAll(fills.agreements(some, fills.run(some, done -> {})));
      agreements.addAll(LayerAgreement.of(some, done -> {}));
      return agreements;
    } finally {
      techniques.forEach(Technique::close);
    }
  }

  /**
   * All but the narrower vectors, which {@code weft compare} has: vectors of several widths in one
   * JVM spoil each other's compiled code, and take minutes on a busy machine.
   */
  private static List<Technique> comparable(List<Technique> techniques, Effort effort) {
    String widest = techniques.getLast().family();
    List<Technique> some =
        techniques.stream()
            .filter(it -> !it.isVectorWidth() || it.family().equals(widest))
            .toList();
    return effort == Effort.SMOKE ? some.subList(0, 2) : some;
  }

  private static List<Drawn> draws() {
    try (Backend backend = Weft.open()) {
      return Draws.of(backend, Shape.of(784, 256));
    }
  }

  private static List<Signal> signals(Effort effort) {
    try (Backend backend = Weft.open()) {
      return effort == Effort.SMOKE
          ? Signals.of(backend, 20, 32, 16)
          : Signals.of(backend, 20, 512, 256);
    }
  }
}
