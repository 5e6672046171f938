package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.MemoryLimitException;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.Pipe;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Streams give the bytes of memory, in pieces, and end with one error. */
@Timeout(600)
class TensorStreamTest {
  private static final RandomKey KEY = RandomKey.of(42);
  private static final int CHUNK = 4 << 20;
  private static final int GUARD = 4096;
  private static Backend backend;
  private static Backend scalar; // fills the expected bytes, whole

  @TempDir Path directory;

  @BeforeAll
  static void open() {
    backend = Weft.open("cpu");
    scalar = Weft.open("scalar");
  }

  /** Also asserts that nothing is running, and no memory held. */
  @AfterAll
  static void close() {
    assertThat(backend.memory().allocatedBytes()).isZero();
    backend.close();
    scalar.close();
  }

  @AfterEach
  void noThreadIsLeft() throws InterruptedException {
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().equals("weft-fill")) {
        thread.join(10_000);
        assertThat(thread.isAlive()).isFalse();
      }
    }
  }

  /** A fill with all that its bytes depend on. */
  record Case(Fill fill, DType dtype, Region region) {
    static Case of(String init, DType dtype, Region region) {
      Fill fill = InitializerSpec.parse(init).initializer(Layout.KERAS).plan(region.logical());
      return new Case(fill, dtype, region);
    }

    TensorStream stream() {
      return TensorStream.of(backend, fill, KEY, dtype, region);
    }

    /** In poisoned memory, whole, by another backend. */
    byte[] expected() {
      byte[] bytes = new byte[(int) dtype.byteSize(region.shape().elements())];
      Arrays.fill(bytes, (byte) 0xA5);
      scalar.wrap(MemorySegment.ofArray(bytes), dtype, region.shape()).fill(fill, KEY, region);
      return bytes;
    }
  }

  static Stream<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (DType dtype : DType.values()) {
      long chunk = CHUNK / dtype.byteSize();
      Region line = Region.of(Shape.of(3 * chunk + 5));
      for (long elements : new long[] {0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk}) {
        cases.add(Case.of("uniform", dtype, line.slice(3, 3 + elements)));
      }
      cases.add(Case.of("normal:stddev=0.02", dtype, line));
      Region box = Region.of(Shape.of(9, chunk / 8 + 7, 3));
      cases.add(Case.of("he_normal", dtype, box.box(longs(1, 2, 0), longs(7, chunk / 8 + 1, 3))));
      cases.add(
          Case.of("truncated_normal", dtype, box.box(longs(0, 2, 1), longs(9, chunk / 8, 2))));
    }
    Region square = Region.of(Shape.of(1500, 1100));
    cases.add(Case.of("bits", DType.F32, square));
    cases.add(Case.of("identity", DType.F32, square));
    cases.add(Case.of("sparse:sparsity=0.5", DType.F32, square));
    cases.add(Case.of("orthogonal", DType.F64, Region.of(Shape.of(17_000, 32))));
    cases.add(Case.of("orthogonal", DType.F64, Region.of(Shape.of(20_000, 32)).rows(100, 17_100)));
    cases.add(new Case(Fill.custom((index, word) -> index * 0.5 - word % 7), DType.F64, square));
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everySinkTakesTheBytesOfMemory(Case c) throws IOException {
    byte[] expected = c.expected();
    assertThat(c.stream().byteSize()).isEqualTo(expected.length);
    List<Long> heard = new ArrayList<>();

    Short channel = new Short(1_000_003);
    c.stream().writeTo(channel, (tensors, bytes) -> heard.add(bytes));
    assertSame(channel.taken.toByteArray(), expected);
    assertThat(heard).isSorted().last().isEqualTo((long) expected.length);
    assertThat(channel.isOpen()).isTrue();

    ByteBuffer pieces = ByteBuffer.allocate(expected.length);
    c.stream().writeTo((bytes, position) -> take(pieces, bytes, position));
    assertSame(pieces.array(), expected);

    byte[] file = new byte[expected.length + 2 * GUARD];
    Arrays.fill(file, (byte) 0xFF);
    Path path = Files.write(directory.resolve("poisoned"), file);
    try (FileChannel out = FileChannel.open(path, StandardOpenOption.WRITE)) {
      c.stream().writeTo(out, GUARD, Progress.NONE);
      assertThat(out.position()).isZero();
    }
    System.arraycopy(expected, 0, file, GUARD, expected.length);
    assertSame(Files.readAllBytes(path), file);
  }

  private static void take(ByteBuffer pieces, ByteBuffer bytes, long position) {
    assertThat(position).isEqualTo(pieces.position());
    assertThat(bytes.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    assertThat(bytes.remaining()).isBetween(1, CHUNK);
    assertThat(Thread.currentThread().getName()).isNotEqualTo("weft-fill");
    pieces.put(bytes);
  }

  @Test
  void aStreamMayBeWrittenAgainAndIsTheReceipts() throws IOException {
    Region region = Region.of(Shape.of(2000, 1000)).slice(5, 1_500_000);
    Receipt receipt =
        Receipt.of(InitializerSpec.parse("he_normal"), Layout.KERAS, DType.F32, region, KEY);
    TensorStream stream = TensorStream.of(backend, receipt);
    byte[] expected = Case.of("he_normal", DType.F32, region).expected();
    for (int i = 0; i < 2; i++) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      stream.writeTo(Channels.newChannel(out), Progress.NONE);
      assertSame(out.toByteArray(), expected);
    }
    assertThat(Case.of("he_normal", DType.F32, region.slice(6, 1_500_001)).expected())
        .isNotEqualTo(expected); // the control
  }

  /** A part of a file of 64 GiB, which takes no more room than the part. */
  @Test
  void aRegionGoesToItsPlaceInASparseFile() throws IOException {
    Region whole = Region.of(Shape.of(1L << 20, 1L << 14));
    long from = 15L << 30;
    long to = from + 2_500_000;
    Path path = directory.resolve("sparse");
    try (RandomAccessFile sparse = new RandomAccessFile(path.toFile(), "rw")) {
      sparse.setLength(64L << 30);
    }
    Case part = Case.of("normal", DType.F32, whole.slice(from, to));
    byte[] expected = new byte[GUARD + part.expected().length + GUARD];
    System.arraycopy(part.expected(), 0, expected, GUARD, expected.length - 2 * GUARD);
    try (FileChannel file =
        FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      part.stream().writeTo(file, 4 * from, Progress.NONE);
      assertThat(file.size()).isEqualTo(64L << 30);
      ByteBuffer found = ByteBuffer.allocate(expected.length);
      while (found.hasRemaining()) {
        assertThat(file.read(found, 4 * from - GUARD + found.position())).isPositive();
      }
      assertSame(found.array(), expected);
    }
  }

  @Test
  void whatASinkThrowsEndsTheStream() {
    Case c = Case.of("uniform", DType.F32, Region.of(Shape.of(10, CHUNK / 4)));
    List<Throwable> failures =
        List.of(new EOFException("io"), new IllegalStateException("mine"), new OutOfMemoryError());
    for (Throwable failure : failures) {
      AtomicInteger calls = new AtomicInteger();
      assertThatThrownBy(
              () ->
                  c.stream()
                      .writeTo(
                          (bytes, position) -> {
                            if (calls.incrementAndGet() == 3) {
                              sneak(failure);
                            }
                          }))
          .isSameAs(failure);
      assertThat(calls).hasValue(3);
    }
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void sneak(Throwable failure) throws E {
    throw (E) failure;
  }

  @Test
  void whatAFillThrowsEndsTheStream() {
    long bad = 2L * CHUNK / 8 + 3;
    Fill fill =
        Fill.custom(
            (index, word) -> {
              if (index == bad) {
                throw new IllegalStateException("mine");
              }
              return index;
            });
    Case c = new Case(fill, DType.F64, Region.of(Shape.of(10, CHUNK / 8)));
    AtomicInteger calls = new AtomicInteger();
    assertThatThrownBy(() -> c.stream().writeTo((bytes, position) -> calls.incrementAndGet()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("mine");
    assertThat(calls).hasValue(2); // those before it
  }

  @Test
  void channelsThatCannotTakeEverythingAreErrors() throws IOException {
    Case c = Case.of("uniform", DType.F32, Region.of(Shape.of(3, CHUNK / 4)));
    assertThatThrownBy(() -> c.stream().writeTo(new Short(0), Progress.NONE))
        .isExactlyInstanceOf(IOException.class)
        .hasMessage("stream: need a channel that blocks, got written=0, at=0");
    Pipe pipe = Pipe.open();
    try (Pipe.SourceChannel source = pipe.source();
        Pipe.SinkChannel sink = pipe.sink()) {
      sink.configureBlocking(false);
      assertThatThrownBy(() -> c.stream().writeTo(sink, Progress.NONE))
          .isExactlyInstanceOf(IOException.class)
          .hasMessageStartingWith("stream: need a channel that blocks, got written=0, at=");
      assertThat(source.isOpen()).isTrue();
    }
    assertThatThrownBy(() -> c.stream().writeTo(pipe.sink(), Progress.NONE))
        .isInstanceOf(ClosedChannelException.class);
    Path path = directory.resolve("file");
    FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    for (long position : new long[] {-1, Long.MAX_VALUE - 3L * CHUNK + 1}) {
      assertThatThrownBy(() -> c.stream().writeTo(file, position, Progress.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("stream: need 0 <= position and an end below 2^63, got position=")
          .hasMessageContaining("byteSize=" + 3L * CHUNK);
    }
    file.close();
    assertThatThrownBy(() -> c.stream().writeTo(file, 0, Progress.NONE))
        .isInstanceOf(ClosedChannelException.class);
    assertThat(Files.size(path)).isZero();
  }

  /** Between two pieces, and while a channel blocks. */
  @Test
  void anInterruptEndsTheStream() throws Exception {
    Case c = Case.of("uniform", DType.F32, Region.of(Shape.of(3, CHUNK / 4)));
    AtomicInteger calls = new AtomicInteger();
    Throwable between =
        failureOf(
            () ->
                c.stream()
                    .writeTo(
                        (bytes, position) -> {
                          calls.incrementAndGet();
                          Thread.currentThread().interrupt();
                        }));
    assertThat(between)
        .isInstanceOf(InterruptedIOException.class)
        .hasMessage("write: need a thread that is not interrupted, got position=" + CHUNK);
    assertThat(calls).hasValue(1);

    Pipe pipe = Pipe.open();
    try (Pipe.SourceChannel source = pipe.source()) {
      Throwable blocked = failureOf(() -> c.stream().writeTo(pipe.sink(), Progress.NONE));
      assertThat(blocked)
          .isInstanceOf(InterruptedIOException.class)
          .hasMessage("write: need a thread that is not interrupted, got position=0");
      assertThat(source.isOpen()).isTrue();
      assertThat(pipe.sink().isOpen()).isFalse();
    }
  }

  /** A body that fails. */
  private interface Body {
    void run() throws IOException;
  }

  /** What {@code body} throws in a thread that is interrupted once it waits, and stays so. */
  private static Throwable failureOf(Body body) throws InterruptedException {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    body.run();
                  } catch (Throwable e) {
                    boolean still = Thread.currentThread().isInterrupted();
                    failure.set(still ? e : new AssertionError("no longer interrupted", e));
                  }
                });
    thread.join(500);
    thread.interrupt();
    thread.join(30_000);
    assertThat(thread.isAlive()).isFalse();
    return failure.get();
  }

  @Test
  void whatCannotBeDividedNeedsTheBackendsMemory() throws IOException {
    Region region = Region.of(Shape.of(2048, 1024)); // 8 MiB
    Fill orthogonal = Fill.orthogonal(1, Layout.KERAS);
    try (Backend small = Weft.open("cpu", BackendOptions.DEFAULT.withMemoryLimit(6 << 20))) {
      TensorStream whole = TensorStream.of(small, orthogonal, KEY, DType.F32, region);
      AtomicInteger calls = new AtomicInteger();
      assertThatThrownBy(() -> whole.writeTo((bytes, position) -> calls.incrementAndGet()))
          .isInstanceOf(MemoryLimitException.class);
      assertThat(calls).hasValue(0);
      assertThat(small.memory().allocatedBytes()).isZero();
      TensorStream.of(small, Fill.normal(0, 1), KEY, DType.F32, region)
          .writeTo((bytes, position) -> calls.incrementAndGet());
      assertThat(calls).hasValue(2);
    }
  }

  @Test
  void whatDoesNotSuitIsFoundAtOnce() {
    Region line = Region.of(Shape.of(7));
    assertThatThrownBy(
            () -> TensorStream.of(backend, Fill.orthogonal(1, Layout.KERAS), KEY, DType.F32, line))
        .isInstanceOf(IllegalArgumentException.class);
    Region huge = Region.of(Shape.of(Long.MAX_VALUE));
    assertThatThrownBy(() -> TensorStream.of(backend, Fill.bits(), KEY, DType.F32, huge))
        .isInstanceOf(IllegalArgumentException.class);
    Backend closed = Weft.open("cpu");
    TensorStream stream = TensorStream.of(closed, Fill.bits(), KEY, DType.F32, line);
    closed.close();
    assertThatThrownBy(
            () ->
                stream.writeTo(
                    (bytes, position) -> {
                      throw new AssertionError("nothing was filled");
                    }))
        .isInstanceOf(ClosedException.class);
  }

  /** What stays in a sink's hands is no longer readable, and no crash. */
  @Test
  void bytesAreGoneAfterTheStream() throws IOException {
    AtomicReference<ByteBuffer> kept = new AtomicReference<>();
    Case c = Case.of("uniform", DType.F32, Region.of(Shape.of(100)));
    c.stream()
        .writeTo(
            (bytes, position) -> {
              kept.set(bytes);
              assertThatCode(() -> bytes.get(0)).doesNotThrowAnyException();
            });
    assertThatThrownBy(() -> kept.get().get(0)).isInstanceOf(IllegalStateException.class);
  }

  private static void assertSame(byte[] actual, byte[] expected) {
    assertThat(actual.length).isEqualTo(expected.length);
    assertThat(Arrays.mismatch(actual, expected)).isEqualTo(-1);
  }

  private static long[] longs(long... values) {
    return values;
  }

  /** A channel that takes at most so many bytes at a time. */
  private static final class Short implements WritableByteChannel {
    private final ByteArrayOutputStream taken = new ByteArrayOutputStream();
    private final int most;

    Short(int most) {
      this.most = most;
    }

    @Override
    public int write(ByteBuffer bytes) {
      byte[] some = new byte[Math.min(most, bytes.remaining())];
      bytes.get(some);
      taken.writeBytes(some);
      return some.length;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {
      throw new AssertionError("the caller's to close");
    }
  }
}
