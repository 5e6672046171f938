package dev.weft.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;

/** {@link ConstantLoop} as a loop of plain stores, which the compiler turns into whole vectors. */
final class ConstantStores implements ConstantLoop {
  private static final Class<? extends MemorySegment> MEMORY =
      VectorWidth.data(MethodHandles.lookup(), Target.class).type();

  /** Made by {@link VectorWidth#load}. */
  ConstantStores() {}

  @Override
  public void run(long pattern, MemorySegment target, long byteOffset, int count) {
    MemorySegment out = MEMORY.cast(target); // a type that the compiler knows
    for (int i = 0; i < count; i++) {
      out.set(ValueLayout.JAVA_LONG_UNALIGNED, byteOffset + 8L * i, pattern);
    }
  }
}
