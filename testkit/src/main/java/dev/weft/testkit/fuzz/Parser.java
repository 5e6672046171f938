package dev.weft.testkit.fuzz;

/** What is fuzzed. */
@FunctionalInterface
public interface Parser {
  /**
   * Reads {@code input}, and checks what it has read: an {@link AssertionError} is a fault.
   *
   * @throws Exception to refuse the input
   */
  void parse(byte[] input) throws Exception;
}
