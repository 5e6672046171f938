package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Lease;
import dev.weft.Matrix;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.Initializers;
import dev.weft.interop.Dlpack.Form;
import dev.weft.random.RandomKey;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Structs by the offsets of DLPack's header, a consumer and a producer in C, and hostile structs.
 */
@Timeout(600)
@SuppressWarnings("restricted") // C is called
class DlpackTest {
  private static final RandomKey KEY = RandomKey.of(7);

  private final Backend backend = Weft.open("cpu");
  private final Arena arena = Arena.ofShared();
  private final AtomicInteger deleted = new AtomicInteger();

  @BeforeEach
  void nothingIsLent() {
    assertThat(backend.memory().allocatedBytes()).isZero();
  }

  @AfterEach
  void close() {
    assertThat(backend.memory().allocatedBytes()).isZero();
    backend.close(); // throws if anything is still lent
    arena.close();
  }

  // ---- export ----

  @ParameterizedTest
  @CsvSource({"F16, 2, 16", "F32, 2, 32", "F64, 2, 64", "BF16, 4, 16"})
  void aVersionedStructSaysWhatTheTensorIs(DType dtype, int code, int bits) throws Throwable {
    try (Tensor tensor = backend.tensor(dtype, Shape.of(2, 3, 5))) {
      long address = Dlpack.exportTensor(tensor, Form.VERSIONED);
      MemorySegment struct = at(address, 80);
      assertThat(struct.get(ValueLayout.JAVA_INT, 0)).isEqualTo(1); // major
      assertThat(struct.get(ValueLayout.JAVA_LONG, 24)).isZero(); // flags
      assertThat(struct.get(ValueLayout.JAVA_LONG, 32)).isEqualTo(tensor.segment().address());
      assertThat(struct.get(ValueLayout.JAVA_INT, 40)).isEqualTo(1); // kDLCPU
      assertThat(struct.get(ValueLayout.JAVA_INT, 44)).isZero();
      assertThat(struct.get(ValueLayout.JAVA_INT, 48)).isEqualTo(3); // ndim
      assertThat(struct.get(ValueLayout.JAVA_BYTE, 52)).isEqualTo((byte) code);
      assertThat(struct.get(ValueLayout.JAVA_BYTE, 53)).isEqualTo((byte) bits);
      assertThat(struct.get(ValueLayout.JAVA_SHORT, 54)).isEqualTo((short) 1);
      assertThat(longs(struct.get(ValueLayout.JAVA_LONG, 56), 3)).containsExactly(2, 3, 5);
      assertThat(longs(struct.get(ValueLayout.JAVA_LONG, 64), 3)).containsExactly(15, 5, 1);
      assertThat(struct.get(ValueLayout.JAVA_LONG, 72)).isZero(); // byte_offset
      callDeleter(struct.get(ValueLayout.JAVA_LONG, 16), address);
    }
  }

  @Test
  void aLegacyStructSaysWhatTheTensorIs() throws Throwable {
    try (Tensor tensor = backend.tensor(DType.F32, Shape.of())) {
      long address = Dlpack.exportTensor(tensor, Form.LEGACY);
      MemorySegment struct = at(address, 64);
      assertThat(struct.get(ValueLayout.JAVA_LONG, 0)).isEqualTo(tensor.segment().address());
      assertThat(struct.get(ValueLayout.JAVA_INT, 8)).isEqualTo(1);
      assertThat(struct.get(ValueLayout.JAVA_INT, 16)).isZero();
      callDeleter(struct.get(ValueLayout.JAVA_LONG, 56), address);
    }
  }

  @Test
  void readOnlyIsAFlag() throws Throwable {
    try (Tensor tensor = backend.tensor(DType.F32, Shape.of(4))) {
      long address = Dlpack.exportReadOnly(tensor);
      assertThat(at(address, 80).get(ValueLayout.JAVA_LONG, 24)).isEqualTo(1);
      assertThatThrownBy(() -> Dlpack.importTensor(backend, address, Form.VERSIONED))
          .hasMessage("dlpack: need memory that may be written, got flags=0x1");
      callDeleter(at(address, 80).get(ValueLayout.JAVA_LONG, 16), address);
    }
  }

  @Test
  void aTensorWithoutElementsHasNoAddress() throws Throwable {
    try (Tensor tensor = backend.tensor(DType.F32, Shape.of(2, 0, 3))) {
      long address = Dlpack.exportTensor(tensor, Form.VERSIONED);
      assertThat(at(address, 80).get(ValueLayout.JAVA_LONG, 32)).isZero();
      try (Tensor back = Dlpack.importTensor(backend, address, Form.VERSIONED)) {
        assertThat(back.shape()).isEqualTo(tensor.shape());
        back.fill(Initializers.ones(), KEY);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void cReadsAndWritesTheTensorsMemory(Form form) throws Throwable {
    DlpackPeer c = DlpackPeer.get();
    float[] expected = new float[7 * 13];
    backend.wrap(expected, Shape.of(7, 13)).fill(Initializers.glorotUniform(), KEY);
    double sum = 0;
    for (float x : expected) {
      sum += x;
    }
    Tensor tensor = backend.tensor(DType.F32, Shape.of(7, 13));
    tensor.fill(Initializers.glorotUniform(), KEY);
    long struct = Dlpack.exportTensor(tensor, form);
    assertThat(c.sumAndNegate(struct, form)).isEqualTo(sum);
    for (int i = 0; i < expected.length; i++) {
      assertThat((float) tensor.get(i)).isEqualTo(-expected[i]);
    }
    tensor.close(); // C still has it
    assertThat(backend.memory().allocatedBytes()).isPositive();
    assertThatThrownBy(backend::close).isInstanceOf(IllegalStateException.class);
    assertThat(c.sumAndNegate(struct, form)).isEqualTo(-sum);
    assertThat(c.deleteOnAThread(struct, form)).isZero();
    assertThat(backend.memory().allocatedBytes()).isZero();
  }

  @Test
  void aSecondCallOfADeleterDoesNothing() {
    Tensor tensor = backend.tensor(DType.F32, Shape.of(4));
    long struct = Dlpack.exportTensor(tensor, Form.VERSIONED);
    DlpackExports.delete(struct);
    DlpackExports.delete(struct);
    DlpackExports.delete(0);
    assertThat(tensor.get(0)).isNotNull();
    tensor.close();
  }

  @Test
  void heapAndClosedTensorsAreNotExported() {
    assertThatThrownBy(
            () -> Dlpack.exportTensor(backend.wrap(new float[4], Shape.of(4)), Form.LEGACY))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("dlpack: need native memory or a device's, got tensor=Tensor f32 [4] on cpu");
    Tensor closed = backend.tensor(DType.F32, Shape.of(4));
    closed.close();
    assertThatThrownBy(() -> Dlpack.exportTensor(closed, Form.LEGACY))
        .isInstanceOf(ClosedException.class);
  }

  // ---- import ----

  @ParameterizedTest
  @EnumSource(Form.class)
  void weftFillsWhatCProduced(Form form) throws Throwable {
    DlpackPeer c = DlpackPeer.get();
    int before = c.deleted();
    long struct = c.produce(form, 5, 9, 0, 0, 20, 0);
    try (Tensor tensor = Dlpack.importTensor(backend, struct, form)) {
      assertThat(tensor.shape()).isEqualTo(Shape.of(5, 9));
      assertThat(tensor.get(4 * 9 + 8)).isEqualTo(408);
      tensor.fill(Initializers.heNormal(), KEY);
      float[] expected = new float[45];
      backend.wrap(expected, Shape.of(5, 9)).fill(Initializers.heNormal(), KEY);
      double sum = 0;
      for (float x : expected) {
        sum += x;
      }
      assertThat(c.sumAndNegate(struct, form)).isEqualTo(sum);
      assertThat(c.deleted()).isEqualTo(before);
    }
    assertThat(c.deleted()).isEqualTo(before + 1);
  }

  @Test
  void theDeleterWaitsForALease() throws Throwable {
    DlpackPeer c = DlpackPeer.get();
    int before = c.deleted();
    Tensor tensor =
        Dlpack.importTensor(backend, c.produce(Form.LEGACY, 2, 2, 0, 0, 0, 0), Form.LEGACY);
    Lease lease = tensor.lend();
    tensor.close();
    assertThat(c.deleted()).isEqualTo(before);
    lease.close();
    assertThat(c.deleted()).isEqualTo(before + 1);
  }

  @Test
  void anImportIsNotClosedUnderAFill() throws Throwable {
    Tensor tensor =
        Dlpack.importTensor(backend, hostile(arena.allocate(256, 64)).address(), Form.VERSIONED);
    duringAFill(
        tensor,
        () -> {
          assertThatThrownBy(tensor::close)
              .isInstanceOf(IllegalStateException.class)
              .hasMessageStartingWith("close: need no running operation, got tensor=");
          assertThat(deleted).hasValue(0);
        });
    tensor.close();
    assertThat(deleted).hasValue(1);
  }

  @Test
  void aConsumerMayBeDoneUnderAFill() throws Throwable {
    DlpackPeer c = DlpackPeer.get();
    Tensor tensor = backend.tensor(DType.F32, Shape.of(4, 4));
    long struct = Dlpack.exportTensor(tensor, Form.LEGACY);
    duringAFill(
        tensor,
        () -> {
          assertThat(c.deleteOnAThread(struct, Form.LEGACY)).isZero();
          assertThat(backend.memory().allocatedBytes()).isEqualTo(64);
        });
    assertThat(tensor.get(15)).isEqualTo(1);
    tensor.close();
  }

  private interface Action {
    void run() throws Throwable;
  }

  /** Runs an action while another thread fills the tensor with ones. */
  private static void duringAFill(Tensor tensor, Action action) throws Throwable {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(1);
    Fill slow =
        Fill.custom(
            (index, word) -> {
              running.countDown();
              try {
                done.await();
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
              return 1;
            });
    Thread filler = Thread.ofPlatform().start(() -> tensor.fill(slow, KEY));
    running.await();
    try {
      action.run();
    } finally {
      done.countDown();
      filler.join();
    }
  }

  @Test
  void whatIsImportedMayBeExportedAgain() throws Throwable {
    DlpackPeer c = DlpackPeer.get();
    int before = c.deleted();
    Tensor tensor =
        Dlpack.importTensor(backend, c.produce(Form.VERSIONED, 3, 4, 4, 1, 8, 0), Form.VERSIONED);
    long again = Dlpack.exportTensor(tensor, Form.LEGACY);
    tensor.close();
    assertThat(c.sumAndNegate(again, Form.LEGACY)).isEqualTo(4 * (0 + 100 + 200) + 3 * 6);
    assertThat(c.deleted()).isEqualTo(before);
    assertThat(c.deleteOnAThread(again, Form.LEGACY)).isZero();
    assertThat(c.deleted()).isEqualTo(before + 1);
  }

  @ParameterizedTest
  @CsvSource({"3, 4, 4, 1", "3, 4, 7, 1", "3, 4, 1, 3", "3, 4, 1, 5", "1, 4, 9, 1", "3, 1, 2, 9"})
  void matricesAreMultipliedWhereTheyLie(long rows, long columns, long rowStride, long columnStride)
      throws Throwable {
    DlpackPeer c = DlpackPeer.get();
    int before = c.deleted();
    long struct = c.produce(Form.VERSIONED, rows, columns, rowStride, columnStride, 4, 0);
    Matrix a = Dlpack.importMatrix(backend, struct, Form.VERSIONED);
    assertThat(a.rows()).isEqualTo(rows);
    assertThat(a.columns()).isEqualTo(columns);
    float[] identity = new float[(int) (columns * columns)];
    backend.wrap(identity, Shape.of(columns, columns)).fill(Initializers.identity(1), KEY);
    float[] product = new float[(int) (rows * columns)];
    backend.gemm(
        1,
        a,
        Matrix.of(backend.wrap(identity, Shape.of(columns, columns))),
        0,
        Matrix.of(backend.wrap(product, Shape.of(rows, columns))));
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        assertThat(product[(int) (i * columns + j)]).isEqualTo(100 * i + j);
      }
    }
    a.tensor().close();
    assertThat(c.deleted()).isEqualTo(before + 1);
  }

  @Test
  void tensorsOfOverlappingStructsAreKnownToOverlap() throws Throwable {
    MemorySegment memory = arena.allocate(64 * 4, 64);
    try (Tensor x = Dlpack.importTensor(backend, hostile(memory).address(), Form.VERSIONED);
        Tensor y = Dlpack.importTensor(backend, hostile(memory).address(), Form.VERSIONED);
        Tensor z = backend.tensor(DType.F32, Shape.of(2, 2))) {
      z.fill(Initializers.ones(), KEY);
      assertThatThrownBy(
              () ->
                  backend.gemm(
                      1, Matrix.of(x, 0, 2, 2, 2), Matrix.of(z), 0, Matrix.of(y, 2, 2, 2, 2)))
          .hasMessageStartingWith("gemm: need c apart from a and b in memory");
    }
    assertThat(deleted).hasValue(2);
  }

  @Test
  void aLostImportIsReportedAndDeletedWithTheBackend() throws Throwable {
    try (Backend other = Weft.open("scalar")) {
      Dlpack.importTensor(other, hostile(arena.allocate(256, 64)).address(), Form.VERSIONED);
    }
    assertThat(deleted).hasValue(1);
  }

  // ---- hostile structs ----

  static Stream<Arguments> hostileStructs() {
    return Stream.of(
        bad("need major version 1, got version=2.7", s -> set(s, 0, 2).set(I, 4, 7)),
        bad("need major version 1, got version=0.0", s -> set(s, 0, 0)),
        bad("need 0 <= ndim <= 64, got ndim=-1", s -> set(s, 48, -1)),
        bad("need 0 <= ndim <= 64, got ndim=2147483647", s -> set(s, 48, Integer.MAX_VALUE)),
        bad(
            "need memory of the host or of the backend's device, got device type=2, device id=0,"
                + " backend's device=none",
            s -> set(s, 40, 2)),
        bad("need memory of the host or of", s -> set(s, 40, 0)),
        bad("need memory of the host or of", s -> set(s, 40, -5)),
        bad(
            "need f16, f32, f64 or bf16 of one lane, got code=0, bits=32, lanes=1",
            s -> s.set(B, 52, (byte) 0)),
        bad("need f16, f32, f64 or bf16", s -> s.set(B, 53, (byte) 31)),
        bad("need f16, f32, f64 or bf16", s -> s.set(B, 53, (byte) 0)),
        bad("need f16, f32, f64 or bf16", s -> s.set(ValueLayout.JAVA_SHORT, 54, (short) 2)),
        bad("need f16, f32, f64 or bf16", s -> s.set(ValueLayout.JAVA_SHORT, 54, (short) 0)),
        bad("need an array of shape, got shape=0x0", s -> s.set(L, 56, 0)),
        bad("need an array of shape", s -> s.set(L, 56, s.get(L, 56) + 1)),
        bad("need an array of strides", s -> s.set(L, 64, 3)),
        bad("shape: need every dimension >= 0", s -> dims(s, -2, 4)),
        bad("shape: need an element count < 2^63", s -> dims(s, 1L << 32, 1L << 31)),
        bad("byteSize: need count * dtype bytes < 2^63", s -> rowMajor(s, 1L << 31, 1L << 31)),
        bad("need an address for every element, got data=0x0, bytes=64", s -> s.set(L, 32, 0)),
        bad("need an address for every element", s -> s.set(L, 32, -64)),
        bad("need an address for every element", s -> s.set(L, 32, Long.MAX_VALUE - 63)),
        bad("need an address for every element", s -> s.set(L, 72, -1)),
        bad("need an address for every element", s -> s.set(L, 72, Long.MAX_VALUE)),
        bad("need elements at multiples of their size", s -> s.set(L, 72, 2)),
        bad("need elements by rows without gaps", s -> strides(s, 5, 1)),
        bad("need elements by rows without gaps", s -> strides(s, 1, 4)),
        bad("need elements by rows without gaps", s -> strides(s, 0, 0)),
        bad("need elements by rows without gaps", s -> strides(s, -4, 1)),
        bad("need memory that may be written, got flags=0x1", s -> s.set(L, 24, 1)));
  }

  @ParameterizedTest
  @MethodSource("hostileStructs")
  void hostileStructsAreRefusedAndLeftAlone(String message, Consumer<MemorySegment> spoil)
      throws Throwable {
    MemorySegment memory = arena.allocate(256, 64);
    MemorySegment struct = hostile(memory);
    Dlpack.importTensor(backend, struct.address(), Form.VERSIONED).close(); // good as it is
    assertThat(deleted).hasValue(1);
    spoil.accept(struct);
    assertThatThrownBy(() -> Dlpack.importTensor(backend, struct.address(), Form.VERSIONED))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
    assertThat(deleted).hasValue(1);
    assertThat(memory.mismatch(MemorySegment.ofArray(new byte[256]))).isEqualTo(-1);
  }

  @ParameterizedTest
  @CsvSource({"2, 1", "3, 1", "5, 5", "-4, 1", "1, 3", "9223372036854775807, 1", "0, 1"})
  void matricesThatAreNoneAreRefused(long rowStride, long columnStride) throws Throwable {
    MemorySegment struct = hostile(arena.allocate(256, 64));
    strides(struct, rowStride, columnStride);
    assertThatThrownBy(() -> Dlpack.importMatrix(backend, struct.address(), Form.VERSIONED))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("dlpack: need ");
    assertThat(deleted).hasValue(0);
  }

  @ParameterizedTest
  @CsvSource({"0", "-8", "12", "1"})
  void addressesThatAreNoneAreRefused(long address) {
    for (Form form : Form.values()) {
      assertThatThrownBy(() -> Dlpack.importTensor(backend, address, form))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("dlpack: need the address of a struct, a multiple of 8, got ");
    }
  }

  @Test
  void aClosedBackendLeavesTheStructAlone() throws Throwable {
    Backend closed = Weft.open("scalar");
    closed.close();
    long struct = hostile(arena.allocate(256, 64)).address();
    assertThatThrownBy(() -> Dlpack.importTensor(closed, struct, Form.VERSIONED))
        .isInstanceOf(ClosedException.class);
    assertThat(deleted).hasValue(0);
  }

  private static final ValueLayout.OfInt I = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfByte B = ValueLayout.JAVA_BYTE;

  /** A good versioned struct [4, 4] of f32 over {@code memory}, with a deleter that counts. */
  private MemorySegment hostile(MemorySegment memory) throws Throwable {
    MemorySegment struct = arena.allocate(80, 8);
    MemorySegment dims = arena.allocate(32, 8);
    struct.set(I, 0, 1);
    struct.set(L, 16, new CountingDeleter(deleted).address(arena));
    struct.set(L, 32, memory.address());
    struct.set(I, 40, 1);
    struct.set(I, 48, 2);
    struct.set(B, 52, (byte) 2);
    struct.set(B, 53, (byte) 32);
    struct.set(ValueLayout.JAVA_SHORT, 54, (short) 1);
    struct.set(L, 56, dims.address());
    struct.set(L, 64, dims.address() + 16);
    dims(struct, 4, 4);
    strides(struct, 4, 1);
    return struct;
  }

  private static Arguments bad(String message, Consumer<MemorySegment> spoil) {
    return Arguments.of(message, spoil);
  }

  private static MemorySegment set(MemorySegment struct, long offset, int value) {
    struct.set(I, offset, value);
    return struct;
  }

  private static void dims(MemorySegment struct, long rows, long columns) {
    MemorySegment dims = at(struct.get(L, 56), 16);
    dims.set(L, 0, rows);
    dims.set(L, 8, columns);
  }

  private static void strides(MemorySegment struct, long row, long column) {
    MemorySegment strides = at(struct.get(L, 64), 16);
    strides.set(L, 0, row);
    strides.set(L, 8, column);
  }

  private static void rowMajor(MemorySegment struct, long rows, long columns) {
    dims(struct, rows, columns);
    strides(struct, columns, 1);
  }

  private static long[] longs(long address, int count) {
    return at(address, 8L * count).toArray(L);
  }

  private static MemorySegment at(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  private static void callDeleter(long deleter, long struct) throws Throwable {
    Linker.nativeLinker()
        .downcallHandle(FunctionDescriptor.ofVoid(L))
        .invokeExact(MemorySegment.ofAddress(deleter), struct);
  }
}
