package dev.weft.bench;

/** One operation by one library, on operands of its own. */
interface Contestant extends AutoCloseable {
  /** Does it once. */
  void run();

  /**
   * Does it once and compares the result with f64.
   *
   * @throws IllegalStateException if an element is further off than its bound
   */
  void check();

  @Override
  void close();
}
