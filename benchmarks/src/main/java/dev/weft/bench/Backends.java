package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.Precision;
import dev.weft.Weft;

/** Backends as benchmark parameters write them: a name, with a vector width if one is forced. */
final class Backends {
  private Backends() {}

  /**
   * Opens {@code name}, for example {@code scalar}, {@code cpu} (the widest vectors), {@code
   * cpu:256} (vectors of 256 bits) or {@code gpu:0}.
   *
   * @param threads threads of one operation; 0 for one per processor
   */
  static Backend open(String name, int threads) {
    return open(name, threads, Precision.F32);
  }

  /** The same, and products may round their f32 operands to {@code precision}. */
  static Backend open(String name, int threads, Precision precision) {
    BackendOptions options = BackendOptions.DEFAULT.withThreads(threads).withPrecision(precision);
    if (name.startsWith("cpu:")) {
      int bits = Integer.parseInt(name.substring("cpu:".length()));
      return Weft.open("cpu", options.withVectorBits(bits));
    }
    return Weft.open(name, options);
  }
}
