package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.Matrix;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.testkit.fuzz.Effort;
import dev.weft.testkit.fuzz.Fuzzer;
import dev.weft.testkit.fuzz.Report;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Structs whose fields are mutated are taken or refused, and the deleter is called once for those
 * that are taken. What a struct calls an array is memory that is there: weft cannot know more.
 */
@Tag("fuzz")
@SuppressWarnings("restricted") // C is called
class DlpackFuzzTest {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int DIMENSIONS = 16; // in an input; further ones are 1
  private static final int FIELDS = 64; // version 0, flags 8, DLTensor 16
  private static final int INPUT = FIELDS + 2 * DIMENSIONS * Long.BYTES;
  private static final int ARRAY = 72 * Long.BYTES; // room for 64 dimensions, also misaligned

  /** The value that stands for memory that is there, in a field that is an address. */
  private static final long THERE = 8;

  private final AtomicInteger deleted = new AtomicInteger();

  private static Backend backend;
  private static Arena arena;

  @BeforeAll
  static void open() {
    backend = Weft.open("scalar");
    arena = Arena.ofShared();
  }

  @AfterAll
  static void close() {
    backend.close();
    arena.close();
  }

  @Test
  void structs() throws ReflectiveOperationException {
    MemorySegment memory = arena.allocate(256, 64);
    MemorySegment arrays = arena.allocate(2L * ARRAY, 8);
    MemorySegment struct = arena.allocate(80, 8);
    long deleter = new CountingDeleter(deleted).address(arena);
    Report report =
        Fuzzer.of(
                "dlpack",
                input -> {
                  ByteBuffer fields = buffer(Arrays.copyOf(input, INPUT));
                  for (Dlpack.Form form : Dlpack.Form.values()) {
                    put(fields, form, struct, arrays, memory, deleter);
                    take(form, struct.address());
                  }
                })
            .seed(input(1, 0, 2, 32, new long[] {4, 4}, new long[] {4, 1}))
            .seed(input(1, 2, 4, 16, new long[] {2, 3, 5}, null))
            .seed(input(1, 0, 2, 64, new long[] {3, 2}, new long[] {1, 3}))
            .seed(input(1, 1, 2, 32, new long[] {8}, new long[] {1}))
            .seed(input(1, 0, 2, 16, new long[] {}, null))
            .seed(input(2, 0, 2, 32, new long[] {1}, null))
            .seed(input(1, 0, 2, 32, new long[] {0, 7}, null))
            .refusing(IllegalArgumentException.class)
            .run(Effort.of("dlpack", 1000));
    System.out.println(report);
    report.requireBoth();
    assertThat(deleted.get()).isPositive();
    assertThat(backend.memory().allocatedBytes()).isZero();
  }

  /** Imports a struct in both ways; an exception is the refusal of both. */
  private void take(Dlpack.Form form, long struct) {
    IllegalArgumentException refused =
        attempt(() -> Dlpack.importTensor(backend, struct, form), struct);
    IllegalArgumentException refusedAsMatrix =
        attempt(
            () -> {
              Matrix matrix = Dlpack.importMatrix(backend, struct, form);
              return matrix.tensor();
            },
            struct);
    if (refused != null && refusedAsMatrix != null) {
      throw refused;
    }
  }

  private IllegalArgumentException attempt(Supplier<Tensor> importing, long struct) {
    int before = deleted.get();
    int wanted = before;
    IllegalArgumentException refused = null;
    try {
      importing.get().close();
      wanted = before + 1;
    } catch (IllegalArgumentException e) {
      refused = e;
    }
    if (deleted.get() != wanted) {
      throw new AssertionError(
          "the deleter of " + struct + " ran " + (deleted.get() - before) + " times");
    }
    return refused;
  }

  /** Puts the fields into the struct of this form. */
  private static void put(
      ByteBuffer fields,
      Dlpack.Form form,
      MemorySegment struct,
      MemorySegment arrays,
      MemorySegment memory,
      long deleter) {
    boolean versioned = form == Dlpack.Form.VERSIONED;
    int tensor = versioned ? 32 : 0;
    MemorySegment from = MemorySegment.ofBuffer(fields);
    MemorySegment.copy(from, 16, struct, tensor, 48);
    if (versioned) {
      MemorySegment.copy(from, 0, struct, 0, 8);
      MemorySegment.copy(from, 8, struct, 24, 8);
    }
    struct.set(LONG, versioned ? 16 : 56, deleter);
    for (int i = 0; i < 2; i++) {
      MemorySegment array = arrays.asSlice((long) i * ARRAY, ARRAY);
      for (int d = 0; d < ARRAY / Long.BYTES; d++) {
        array.set(LONG, (long) d * Long.BYTES, 1);
      }
      int bytes = DIMENSIONS * Long.BYTES;
      MemorySegment.copy(from, FIELDS + (long) i * bytes, array, 0, bytes);
      long field = fields.getLong(16 + 24 + i * Long.BYTES);
      long address = field == 0 ? 0 : array.address() + (field & 7);
      struct.set(LONG, tensor + 24 + (long) i * Long.BYTES, address);
    }
    if (fields.getLong(16) == THERE) {
      struct.set(LONG, tensor, memory.address());
    }
  }

  /** What {@link #put} reads; the device is the host. */
  private static byte[] input(
      int major, long flags, int code, int bits, long[] shape, long[] strides) {
    ByteBuffer fields = buffer(new byte[INPUT]);
    fields.putInt(0, major).putLong(8, flags).putLong(16, THERE).putInt(24, 1);
    fields.putInt(32, shape.length).put(36, (byte) code).put(37, (byte) bits);
    fields.putShort(38, (short) 1).putLong(40, THERE).putLong(48, strides == null ? 0 : THERE);
    for (int d = 0; d < shape.length; d++) {
      fields.putLong(FIELDS + d * Long.BYTES, shape[d]);
      if (strides != null) {
        fields.putLong(FIELDS + (DIMENSIONS + d) * Long.BYTES, strides[d]);
      }
    }
    return fields.array();
  }

  private static ByteBuffer buffer(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ORDER);
  }
}
