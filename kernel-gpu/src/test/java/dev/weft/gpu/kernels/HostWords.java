package dev.weft.gpu.kernels;

import dev.weft.random.Philox4x32;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.LongConsumer;

/** The words of a stream by their scalar definition, in the host's memory. */
@SuppressWarnings("restricted") // writes to addresses, as it must
final class HostWords implements WordSource {
  @Override
  public void generate(long seed, long first, long count, long address) {
    if (address % 16 != 0 || first % 4 != 0 || count % 4 != 0 || count <= 0) {
      throw new AssertionError(count + " words from " + first + " on at address " + address);
    }
    MemorySegment out = MemorySegment.ofAddress(address).reinterpret(4 * count);
    RandomKey key = RandomKey.of(seed);
    int[] block = new int[4];
    for (long i = 0; i < count; i += 4) {
      Philox4x32.block(key, first + i >>> 2, block);
      MemorySegment.copy(block, 0, out, ValueLayout.JAVA_INT, 4 * i, 4);
    }
  }

  @Override
  public void withScratch(long bytes, LongConsumer body) {
    try (Arena arena = Arena.ofConfined()) {
      body.accept(arena.allocate(bytes, 16).fill((byte) 0xFF).address());
    }
  }
}
