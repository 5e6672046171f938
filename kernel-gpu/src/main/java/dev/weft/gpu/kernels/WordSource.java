package dev.weft.gpu.kernels;

import java.util.function.LongConsumer;

/**
 * A generator beside weft's own: the words of a stream in {@code CURAND} order, in the device's
 * memory. Used by many threads at once.
 */
public interface WordSource {
  /**
   * Begins to write words {@code first … first + count − 1} of the stream of {@code seed}, after
   * what was launched before and before what is launched later.
   *
   * @param first unsigned
   * @param address of the device, a multiple of 16
   */
  void generate(long seed, long first, long count, long address);

  /**
   * Calls {@code body} with the address of memory that is its own: a multiple of 16, of {@code
   * bytes} bytes. What the body launches may use it, what is launched later may not.
   */
  void withScratch(long bytes, LongConsumer body);
}
