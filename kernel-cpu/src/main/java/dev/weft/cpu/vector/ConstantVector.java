package dev.weft.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** {@link ConstantLoop} in vectors: one store a vector and nothing else. */
final class ConstantVector implements ConstantLoop {
  private static final Variant VARIANT =
      VectorWidth.data(MethodHandles.lookup(), ConstantLoop.Variant.class);
  private static final Class<? extends MemorySegment> MEMORY = VARIANT.memory().type();
  private static final Class<?> ELEMENT = VARIANT.memory().element();
  private static final VectorSpecies<Long> L =
      VectorSpecies.of(long.class, VectorShape.forBitSize(VARIANT.bits()));
  private static final int BYTES = L.vectorByteSize();

  /** Made by {@link VectorWidth#load}. */
  ConstantVector() {}

  @Override
  public void run(long pattern, MemorySegment target, long byteOffset, int vectors) {
    MemorySegment out = MEMORY.cast(target); // a type that the compiler knows
    IntVector value = LongVector.broadcast(L, pattern).reinterpretAsInts();
    for (int i = 0; i < vectors; i++) {
      Target.store(value, out, byteOffset + (long) i * BYTES, ELEMENT);
    }
  }
}
