package dev.weft.interop;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.atomic.AtomicInteger;

/** A deleter for DLPack structs that counts in {@code deleted} how often C calls it. */
record CountingDeleter(AtomicInteger deleted) {
  /** The address of the function, which lives as long as {@code arena}. */
  @SuppressWarnings("restricted") // C calls Java
  long address(Arena arena) throws ReflectiveOperationException {
    return Linker.nativeLinker()
        .upcallStub(
            MethodHandles.lookup()
                .findVirtual(
                    CountingDeleter.class,
                    "count",
                    MethodType.methodType(void.class, MemorySegment.class))
                .bindTo(this),
            FunctionDescriptor.ofVoid(ValueLayout.ADDRESS),
            arena)
        .address();
  }

  void count(MemorySegment struct) {
    deleted.incrementAndGet();
  }
}
