package dev.weft.gpu.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.BackendOptions;
import dev.weft.DType;
import dev.weft.nn.Activation;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.nn.Optimizer;
import dev.weft.nn.Write;
import dev.weft.spi.BackendProvider;
import dev.weft.spi.Buffer;
import dev.weft.spi.Engine;
import dev.weft.spi.NnEngine;
import dev.weft.spi.OptimizerRates;
import dev.weft.spi.StridedMatrix;
import dev.weft.testkit.Tensors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.ServiceLoader;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * layer.cu, training.cu and product.cu as C++, launched as the backend launches them, against the
 * scalar backend, bit for bit. Every output is poisoned first and guarded, and a test of each
 * family has a control.
 */
class NnKernelTest {
  private static final int GUARD = 64;
  private static final int GRID = 3;
  private static final int BLOCK = 64; // several turns of a grid

  private final Arena arena = Arena.ofConfined();
  private final NnLaunch launch =
      new NnLaunch(
          arena,
          (kernel, threads, arguments) -> {
            boolean tile = kernel.symbol().startsWith("weft_product"); // of 256 threads
            HostShim.shared().launch(kernel.symbol(), GRID, tile ? 256 : BLOCK, arguments);
          });
  private Engine scalar;
  private DType dtype;

  @BeforeEach
  void open() {
    scalar =
        ServiceLoader.load(BackendProvider.class).stream()
            .map(ServiceLoader.Provider::get)
            .filter(p -> p.backends().stream().anyMatch(info -> info.name().equals("scalar")))
            .findFirst()
            .orElseThrow()
            .open("scalar", BackendOptions.DEFAULT);
  }

  @AfterEach
  void close() {
    scalar.close();
    arena.close();
  }

  static Stream<Activation> activations() {
    return Arrays.stream(Activation.Kind.values())
        .filter(kind -> !kind.ofRow())
        .map(kind -> Activation.parse(kind.id()));
  }

  static Stream<Loss> elementLosses() {
    return Stream.of(
        Loss.sigmoidCrossEntropy(),
        Loss.meanSquaredError(),
        Loss.meanAbsoluteError(),
        Loss.huber(0.75));
  }

  static Stream<Optimizer> optimizers() {
    return Stream.of(
        Optimizer.sgd(0.1),
        Optimizer.momentum(0.1, 0.9),
        Optimizer.nesterov(0.1, 0.9),
        Optimizer.adam(0.01),
        Optimizer.adamW(0.01, 0.1),
        Optimizer.rmsProp(0.01));
  }

  @ParameterizedTest
  @MethodSource("activations")
  void activations(Activation f) {
    for (DType each : types()) {
      for (int form = 0; form < 3; form++) {
        int rows = 311;
        int columns = form == 2 ? 40 : 37; // a row ends with 16 bytes, or not
        int count = rows * columns;
        int shift = form % 2; // aligned to 16 bytes, or not
        MemorySegment x = values(count, 1);
        MemorySegment y = poison(count, shift);
        MemorySegment expected = poison(count, shift);
        scalar.activate(each, f, matrix(x, rows, columns), matrix(expected, rows, columns));
        activate(y, x, null, null, null, count, columns, f);
        assertSame(y, expected, f + " " + each);

        Activation other = f.equals(Activation.MISH) ? Activation.SILU : Activation.MISH;
        activate(y, x, null, null, null, count, columns, other);
        assertThat(firstDifference(y, expected)).as("another function").isNotNegative();

        // z = x + bias, y = f(z) + residual: the scalar backend's are those of f alone
        MemorySegment bias = values(columns, 2);
        MemorySegment residual = values(count, 3);
        MemorySegment z = poison(count, shift);
        MemorySegment sum = poison(count, 0);
        for (int i = 0; i < count; i++) {
          set(sum, i, add(get(x, i), get(bias, i % columns)));
        }
        scalar.activate(each, f, matrix(sum, rows, columns), matrix(expected, rows, columns));
        for (int i = 0; i < count; i++) {
          set(expected, i, add(get(expected, i), get(residual, i)));
        }
        activate(y, x, z, bias, residual, count, columns, f);
        assertSame(z, sum, "z of " + f);
        assertSame(y, expected, f + " with bias and residual");
      }
    }
  }

  private void activate(
      MemorySegment y,
      MemorySegment x,
      MemorySegment z,
      MemorySegment bias,
      MemorySegment residual,
      long count,
      long columns,
      Activation f) {
    launch.activate(
        dtype, f.kind(), f.alpha(), at(y), at(x), at(z), at(bias), at(residual), count, columns);
  }

  @ParameterizedTest
  @MethodSource("activations")
  void gradientsAndTheSumsOfTheirColumns(Activation f) {
    for (DType each : types()) {
      for (int rows : new int[] {0, 1, 256, 261, 700}) {
        int columns = 37;
        int count = rows * columns;
        MemorySegment saved = values(count, 4);
        MemorySegment dy = values(count, 5);
        MemorySegment dz = poison(count, rows % 2);
        MemorySegment expected = poison(count, 0);
        for (Write write : Write.values()) {
          MemorySegment db = copy(values(columns, 6));
          MemorySegment expectedDb = copy(values(columns, 6));
          scalar.activationGradient(
              each,
              f,
              matrix(saved, rows, columns),
              matrix(dy, rows, columns),
              matrix(expected, rows, columns),
              scalar.wrap(content(expectedDb)),
              write);
          gradientSums(dz, dy, saved, db, rows, columns, f, write);
          assertSame(dz, expected, "dz of " + f);
          assertSame(db, expectedDb, "db of " + f + " " + rows + " " + write);
        }
        dz.fill((byte) 0xFF);
        if (count != 0) {
          launch.activateGradient(dtype, f.kind(), f.alpha(), at(dz), at(dy), at(saved), count);
        }
        assertSame(dz, expected, "gradient of " + f);
      }
    }
  }

  private void gradientSums(
      MemorySegment dz,
      MemorySegment dy,
      MemorySegment saved,
      MemorySegment db,
      long rows,
      long columns,
      Activation f,
      Write write) {
    MemorySegment sums = poison((int) NnLaunch.sums(rows, columns), 0);
    launch.gradientSums(
        dtype,
        f.kind(),
        f.alpha(),
        at(dz),
        at(dy),
        at(saved),
        at(sums),
        at(db),
        rows,
        columns,
        write == Write.ACCUMULATE);
  }

  @ParameterizedTest
  @EnumSource(names = {"SOFTMAX", "LOG_SOFTMAX"})
  void softmax(Activation.Kind kind) {
    Activation f = new Activation(kind, 0);
    boolean log = kind == Activation.Kind.LOG_SOFTMAX;
    for (DType each : types()) {
      for (int columns : new int[] {1, 10, 16, 17, 1500}) { // of 16 lanes, and of several tiles
        int rows = 50;
        int count = rows * columns;
        boolean some = columns < 100; // else every row has a NaN
        MemorySegment x = some ? values(count, 7) : moderate(count, 7);
        MemorySegment dy = some ? values(count, 8) : moderate(count, 8);
        MemorySegment y = poison(count, 0);
        MemorySegment expected = poison(count, 0);
        scalar.activate(each, f, matrix(x, rows, columns), matrix(expected, rows, columns));
        launch.softmax(dtype, log, at(y), at(x), rows, columns);
        assertSame(y, expected, f + " of " + columns);

        MemorySegment dz = poison(count, 0);
        MemorySegment expectedDz = poison(count, 0);
        scalar.activationGradient(
            each,
            f,
            matrix(expected, rows, columns),
            matrix(dy, rows, columns),
            matrix(expectedDz, rows, columns),
            null,
            Write.OVERWRITE);
        launch.softmaxGradient(dtype, log, at(dz), at(y), at(dy), rows, columns);
        assertSame(dz, expectedDz, "gradient of " + f + " of " + columns);
        if (columns > 1) {
          launch.softmaxGradient(dtype, !log, at(dz), at(y), at(dy), rows, columns);
          assertThat(firstDifference(dz, expectedDz)).as("the other's").isNotNegative();
        }
      }
    }
  }

  @Test
  void crossEntropyOfLabelsAndOfTargets() {
    for (DType each : types()) {
      for (double smoothing : new double[] {0, 0.1}) {
        for (int columns : new int[] {1, 10, 1100}) {
          for (boolean labelled : new boolean[] {true, false}) {
            crossEntropy(each, smoothing, columns, labelled);
          }
        }
      }
    }
  }

  private void crossEntropy(DType each, double smoothing, int columns, boolean labelled) {
    int rows = columns == 10 ? 1000 : 33; // 409 rows of 10 columns are a chunk
    SplittableRandom random = new SplittableRandom(9);
    MemorySegment labels = arena.allocate(ValueLayout.JAVA_INT, rows);
    for (int i = 0; i < rows; i++) {
      labels.setAtIndex(ValueLayout.JAVA_INT, i, random.nextInt(columns));
    }
    MemorySegment x = moderate(rows * columns, 10);
    MemorySegment target = moderate(rows * columns, 11);
    MemorySegment expected = poison(rows * columns, 0);
    MemorySegment expectedValue = arena.allocate(ValueLayout.JAVA_DOUBLE);
    scalar.loss(
        each,
        Loss.softmaxCrossEntropy(smoothing),
        matrix(x, rows, columns),
        labelled ? Labels.of(labels) : null,
        labelled ? null : matrix(target, rows, columns),
        matrix(expected, rows, columns),
        scalar.wrap(expectedValue));
    MemorySegment value = arena.allocate(ValueLayout.JAVA_DOUBLE);
    MemorySegment losses = arena.allocate(ValueLayout.JAVA_DOUBLE, rows).fill((byte) 0xFF);
    for (boolean inPlace : new boolean[] {false, true}) {
      MemorySegment gradient = inPlace ? copy(x) : poison(rows * columns, 0);
      launch.crossEntropy(
          dtype,
          smoothing,
          at(inPlace ? gradient : x),
          at(labelled ? labels : null),
          at(labelled ? null : target),
          at(gradient),
          at(losses),
          at(value),
          rows,
          columns);
      String what = each + " " + smoothing + " " + columns + " " + labelled;
      assertSame(gradient, expected, what);
      assertThat(value.get(ValueLayout.JAVA_DOUBLE, 0))
          .as(what)
          .isEqualTo(expectedValue.get(ValueLayout.JAVA_DOUBLE, 0));
    }
  }

  @ParameterizedTest
  @MethodSource("elementLosses")
  void elementLosses(Loss loss) {
    for (DType each : types()) {
      int count = 40_001; // three chunks
      MemorySegment x = moderate(count, 12);
      MemorySegment target = moderate(count, 13);
      MemorySegment expected = poison(count, 0);
      MemorySegment expectedValue = arena.allocate(ValueLayout.JAVA_DOUBLE);
      scalar.loss(
          each,
          loss,
          matrix(x, 1, count),
          null,
          matrix(target, 1, count),
          matrix(expected, 1, count),
          scalar.wrap(expectedValue));
      MemorySegment gradient = poison(count, 0);
      MemorySegment sums = arena.allocate(ValueLayout.JAVA_DOUBLE, 24).fill((byte) 0xFF);
      MemorySegment value = arena.allocate(ValueLayout.JAVA_DOUBLE);
      assertThat(NnLaunch.lanes(count)).isEqualTo(24);
      launch.elementLosses(
          dtype, loss, at(x), at(target), at(gradient), at(sums), at(value), count);
      assertSame(gradient, expected, loss + " " + each);
      assertThat(value.get(ValueLayout.JAVA_DOUBLE, 0))
          .isEqualTo(expectedValue.get(ValueLayout.JAVA_DOUBLE, 0));
      Loss other = loss instanceof Loss.Huber ? Loss.huber(0.5) : Loss.huber(0.75);
      launch.elementLosses(dtype, other, at(x), at(target), 0, at(sums), at(value), count);
      assertThat(value.get(ValueLayout.JAVA_DOUBLE, 0))
          .as("another loss")
          .isNotEqualTo(expectedValue.get(ValueLayout.JAVA_DOUBLE, 0));
    }
  }

  @Test
  void sumsOfSquares() {
    for (DType each : types()) {
      int count = 40_001;
      MemorySegment x = moderate(count, 14);
      for (int i = 0; i < count && each == DType.F64; i += 97) { // it does not hold their squares
        set(x, i, i % 2 == 0 ? -1e300 : 1e-300);
      }
      MemorySegment expected = arena.allocate(ValueLayout.JAVA_DOUBLE, NnEngine.SQUARES);
      MemorySegment value = arena.allocate(ValueLayout.JAVA_DOUBLE, NnEngine.SQUARES);
      MemorySegment sums = arena.allocate(ValueLayout.JAVA_DOUBLE, 72).fill((byte) 0xFF);
      for (Write write : List.of(Write.OVERWRITE, Write.ACCUMULATE)) {
        scalar.sumOfSquares(each, count, scalar.wrap(content(x)), write, scalar.wrap(expected));
        boolean accumulate = write == Write.ACCUMULATE;
        launch.squares(dtype, at(x), at(sums), at(value), count, accumulate);
        assertThat(value.toArray(ValueLayout.JAVA_DOUBLE))
            .isEqualTo(expected.toArray(ValueLayout.JAVA_DOUBLE));
      }
    }
  }

  /** Sums of squares of every size, whose norms are scaled by one factor or divided one by one. */
  @Test
  void gradientsOfEverySizeAreClippedAlike() {
    double[][] squares = {
      {1 / 0.0, 0x1p-40, 0},
      {0, 0, 1e-5},
      {1e-300, 0, 7},
      {1e-260, 0, 0},
      {1e77, 0, 0},
      {Double.NaN, 0, 0},
      {1 / 0.0, 1 / 0.0, 0}
    };
    for (DType each : types()) {
      for (double[] of : squares) {
        for (double clip : new double[] {1e-30, 1e-300, 1, 1e200}) {
          if (each == DType.F32 && clip < 1e-40) {
            continue; // it is not positive in f32
          }
          int count = 203;
          MemorySegment g = values(count, 23);
          MemorySegment w = copy(moderate(count, 16));
          MemorySegment w2 = copy(w);
          MemorySegment sums = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, of);
          Optimizer rule = Optimizer.sgd(0.5);
          scalar.update(
              each,
              rule,
              1,
              count,
              scalar.wrap(content(w2)),
              scalar.wrap(content(g)),
              null,
              null,
              scalar.wrap(sums),
              clip);
          launch.update(dtype, rule, 1, at(w), at(g), 0, 0, at(sums), clip, count, 0);
          assertSame(w, w2, each + " " + Arrays.toString(of) + " clip " + clip);
        }
      }
    }
  }

  /** Logits that are infinite or far apart, against targets with and without zeros. */
  @Test
  void lossesAtTheLimits() {
    for (DType each : types()) {
      double most = each.maxValue();
      double[] special = {0, 1, -1, most, -most, -1 / 0.0, 1 / 0.0, Double.NaN, most / 2, 3};
      double[] targets = {0, 1, 0, 0.5, 0.25, 0, 1, -1, 2, 0};
      int rows = 400;
      int columns = 5;
      SplittableRandom random = new SplittableRandom(24);
      MemorySegment x = poison(rows * columns, 0);
      MemorySegment target = poison(rows * columns, 0);
      for (int i = 0; i < rows * columns; i++) {
        int kinds = i < rows * columns / 2 ? 6 : special.length; // half of it without NaN and +∞
        set(x, i, special[random.nextInt(kinds)]);
        set(target, i, targets[random.nextInt(targets.length)]);
      }
      for (Loss loss :
          Stream.concat(
                  elementLosses(),
                  Stream.of(Loss.softmaxCrossEntropy(), Loss.softmaxCrossEntropy(0.1)))
              .toList()) {
        for (int row = 0; row < rows; row++) { // one by one: a NaN would hide the others
          lossOfRow(loss, x, target, row, columns);
        }
      }
    }
  }

  private void lossOfRow(Loss loss, MemorySegment x, MemorySegment target, int row, int columns) {
    MemorySegment logits = poison(columns, 0);
    MemorySegment wanted = poison(columns, 0);
    for (int j = 0; j < columns; j++) {
      set(logits, j, get(x, row * columns + j));
      set(wanted, j, get(target, row * columns + j));
    }
    MemorySegment expected = poison(columns, 0);
    MemorySegment expectedValue = arena.allocate(ValueLayout.JAVA_DOUBLE);
    scalar.loss(
        dtype,
        loss,
        matrix(logits, 1, columns),
        null,
        matrix(wanted, 1, columns),
        matrix(expected, 1, columns),
        scalar.wrap(expectedValue));
    MemorySegment value = arena.allocate(ValueLayout.JAVA_DOUBLE);
    MemorySegment sums = arena.allocate(ValueLayout.JAVA_DOUBLE, 8);
    MemorySegment gradient = copy(logits); // in place
    long to = at(gradient);
    if (loss instanceof Loss.SoftmaxCrossEntropy entropy) {
      double smoothing = entropy.smoothing();
      launch.crossEntropy(dtype, smoothing, to, 0, at(wanted), to, at(sums), at(value), 1, columns);
    } else {
      launch.elementLosses(dtype, loss, to, at(wanted), to, at(sums), at(value), columns);
    }
    assertSame(gradient, expected, loss + " of row " + row);
    assertThat(value.toArray(ValueLayout.JAVA_DOUBLE)) // arrays: NaN is as good as NaN
        .as("%s of row %d", loss, row)
        .isEqualTo(expectedValue.toArray(ValueLayout.JAVA_DOUBLE));
  }

  @ParameterizedTest
  @MethodSource("optimizers")
  void updates(Optimizer rule) {
    for (DType each : types()) {
      int count = 1003;
      MemorySegment g = moderate(count, 15);
      MemorySegment squares = arena.allocate(ValueLayout.JAVA_DOUBLE);
      squares.set(ValueLayout.JAVA_DOUBLE, 0, 9.5);
      OptimizerRates rates = new OptimizerRates();
      MemorySegment newer = arena.allocate(ValueLayout.JAVA_DOUBLE, 6);
      for (double clip : new double[] {0, 100, 2}) { // none, too large, one that counts
        MemorySegment w = copy(moderate(count, 16));
        MemorySegment w2 = copy(w);
        MemorySegment[] slots = slots(rule.slots(), count);
        MemorySegment[] slots2 = slots(rule.slots(), count);
        for (int step = 1; step <= 3; step++) {
          scalar.update(
              each,
              rule,
              step,
              count,
              scalar.wrap(content(w2)),
              scalar.wrap(content(g)),
              wrap(slots2[0]),
              wrap(slots2[1]),
              clip == 0 ? null : scalar.wrap(squares),
              clip);
          boolean recorded = step == 2; // its own numbers do not count then
          rates.set(rule, step);
          NnLaunch.put(rates, newer, 0);
          launch.update(
              dtype,
              rule,
              recorded ? 77 : step,
              at(w),
              at(g),
              at(slots[0]),
              at(slots[1]),
              at(clip == 0 ? null : squares),
              clip,
              count,
              recorded ? newer.address() : 0);
        }
        assertSame(w, w2, rule + " " + each + " clip " + clip);
        for (int i = 0; i < rule.slots(); i++) {
          assertSame(slots[i], slots2[i], "slot " + i + " of " + rule);
        }
        assertThat(firstDifference(w, moderate(count, 16))).as("it moved").isNotNegative();
      }
    }
  }

  private MemorySegment[] slots(int wanted, int count) {
    MemorySegment[] slots = new MemorySegment[2];
    for (int i = 0; i < wanted; i++) {
      slots[i] = copy(moderate(count, 17));
      for (int j = 0; j < count; j++) {
        set(slots[i], j, Math.abs(get(slots[i], j)));
      }
    }
    return slots;
  }

  private Buffer wrap(MemorySegment segment) {
    return segment == null ? null : scalar.wrap(content(segment));
  }

  /** Every layout, sizes that are no multiple of a tile, several chains, factors of all kinds. */
  @Test
  void products() {
    int[][] shapes = {{1, 1, 1, 1}, {2, 70, 33, 300}, {1, 5, 130, 513}, {3, 64, 64, 256}};
    double[][] factors = {{1, 0}, {1, 1}, {-0.75, 0.3}, {0.1, 0}};
    for (DType each : types()) {
      for (int[] shape : shapes) {
        for (int layout = 0; layout < 8; layout++) {
          double[] factor = factors[layout % factors.length];
          StridedMatrix a = operand(shape[0], shape[1], shape[3], (layout & 1) != 0, 18);
          StridedMatrix b = operand(shape[0], shape[3], shape[2], (layout & 2) != 0, 19);
          StridedMatrix c = operand(shape[0], shape[1], shape[2], (layout & 4) != 0, 20);
          MemorySegment actual = copy(whole);
          double alpha = each.nearest(factor[0]);
          double beta = each.nearest(factor[1]);
          if (beta == 0) {
            c.buffer().segment().fill((byte) 0xFF); // NaN; what C held does not count
            content(actual).fill((byte) 0xFF);
          }
          MemorySegment expected = whole;
          scalar.gemm(each, alpha, a, b, beta, c);
          launch.product(
              dtype,
              alpha,
              at(a.buffer().segment()),
              a,
              at(b.buffer().segment()),
              b,
              beta,
              at(actual),
              c);
          assertSame(actual, expected, Arrays.toString(shape) + " layout " + layout);
        }
      }
    }
  }

  private MemorySegment whole; // of the last operand, with its guard

  private StridedMatrix operand(int batch, int rows, int columns, boolean transposed, int seed) {
    whole = copy(moderate(batch * rows * columns, seed));
    Buffer buffer = scalar.wrap(content(whole));
    long size = (long) rows * columns;
    return new StridedMatrix(
        buffer,
        dtype,
        batch,
        size,
        0,
        rows,
        columns,
        transposed ? 1 : columns,
        transposed ? rows : 1);
  }

  @Test
  void scalingIsAProductWithoutTerms() {
    for (DType each : types()) {
      for (double beta : new double[] {0, 0.3}) {
        StridedMatrix c = operand(2, 5, 7, beta == 0, 21);
        MemorySegment actual = copy(whole);
        MemorySegment expected = whole;
        double of = each.nearest(beta);
        scalar.gemm(each, 0, operand(2, 5, 3, false, 1), operand(2, 3, 7, false, 1), of, c);
        launch.scale(dtype, at(actual), c, of);
        assertSame(actual, expected, "beta " + beta);
      }
    }
  }

  /** All 65536 numbers of 16 bits, in lines that are apart. */
  @Test
  void wideningIsExact() {
    dtype = DType.F32;
    MemorySegment in = arena.allocate(2 * 2 * 65536L, 8);
    for (DType narrow : List.of(DType.F16, DType.BF16)) {
      for (int i = 0; i < 65536; i++) {
        long line = i / 64; // two batches of 512 lines of 64, which are 100 apart
        long at = line / 512 * 60_000 + line % 512 * 100 + i % 64;
        in.setAtIndex(ValueLayout.JAVA_SHORT, at, (short) i);
      }
      MemorySegment out = poison(65536, 0);
      StridedMatrix lines = new StridedMatrix(null, narrow, 2, 60_000, 0, 512, 64, 100, 1);
      launch.copy(at(out), at(in), lines);
      MemorySegment bits = arena.allocate(2);
      for (int i = 0; i < 65536; i++) {
        bits.set(ValueLayout.JAVA_SHORT, 0, (short) i);
        double expected = Tensors.get(bits, narrow, 0);
        assertThat(Double.compare(get(out, i), expected)).as("%s %x", narrow, i).isZero();
      }
    }
  }

  /** Every kind of f32, in lines that are apart, by fours and one by one. */
  @Test
  void narrowingRoundsToNearest() {
    dtype = DType.F32;
    for (int inner : new int[] {64, 61}) {
      int lines = 700;
      MemorySegment in = arena.allocate(4L * lines * 100, 16);
      SplittableRandom random = new SplittableRandom(inner);
      for (int i = 0; i < lines * 100; i++) {
        int high = random.nextInt(1 << 16) << 16; // every exponent, also NaN's
        int low = new int[] {0, 0x8000, 0x7FFF, 0x8001, random.nextInt(1 << 16)}[i % 5];
        int bits = i % 3 == 0 ? 0x38000000 | random.nextInt(1 << 27) : high | low;
        in.setAtIndex(ValueLayout.JAVA_INT, i, bits); // a third of them f16's, subnormal ones too
      }
      StridedMatrix of = new StridedMatrix(null, DType.F32, 1, 0, 0, lines, inner, 100, 1);
      for (DType narrow : List.of(DType.F16, DType.BF16)) {
        MemorySegment out = arena.allocate(2L * lines * inner, 8).fill((byte) 0x5A);
        launch.narrow(at(out), at(in), of, narrow);
        for (int i = 0; i < lines * inner; i++) {
          float x = in.getAtIndex(ValueLayout.JAVA_FLOAT, i / inner * 100 + i % inner);
          short bits = out.getAtIndex(ValueLayout.JAVA_SHORT, i);
          if (narrow == DType.F16) {
            float expected = Float.float16ToFloat(Float.floatToFloat16(x));
            assertThat(Float.compare(Float.float16ToFloat(bits), expected)).as("%s", x).isZero();
          } else {
            double expected = Float.isInfinite(x) || Float.isNaN(x) ? x : narrow.nearest(x);
            float actual = Float.intBitsToFloat(bits << 16);
            assertThat(Double.compare(actual, expected)).as("%s", x).isZero();
          }
        }
      }
    }
  }

  /** F32 and F64, each set as the type of the helpers below. */
  private List<DType> types() {
    return new AbstractList<>() {
      @Override
      public DType get(int index) {
        dtype = index == 0 ? DType.F32 : DType.F64;
        return dtype;
      }

      @Override
      public int size() {
        return 2;
      }
    };
  }

  private static long at(MemorySegment segment) {
    return segment == null ? 0 : segment.address();
  }

  private StridedMatrix matrix(MemorySegment segment, long rows, long columns) {
    Buffer buffer = scalar.wrap(content(segment));
    return new StridedMatrix(buffer, dtype, 1, rows * columns, 0, rows, columns, columns, 1);
  }

  /** Without the guard. */
  private static MemorySegment content(MemorySegment segment) {
    return segment.asSlice(0, segment.byteSize() - GUARD);
  }

  /** A guarded segment of 0xFF, so many elements beyond a multiple of 16 bytes. */
  private MemorySegment poison(int count, int shift) {
    long bytes = dtype.byteSize(count + shift) + GUARD;
    return arena.allocate(bytes, 16).fill((byte) 0xFF).asSlice(dtype.byteSize(shift));
  }

  private MemorySegment copy(MemorySegment guarded) {
    MemorySegment copy = poison((int) (content(guarded).byteSize() / dtype.byteSize()), 0);
    copy.copyFrom(guarded);
    return copy;
  }

  /** Uniform in [−3, 3). */
  private MemorySegment moderate(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    MemorySegment segment = poison(count, 0);
    for (int i = 0; i < count; i++) {
      set(segment, i, random.nextDouble(-3, 3));
    }
    return segment;
  }

  /** Values of every size, also the special ones. */
  private MemorySegment values(int count, long seed) {
    double[] special = {
      0,
      -0.0,
      1,
      -1,
      3,
      -3,
      0x1p-149,
      -0x1p-1074,
      87.4,
      -87.4,
      708.5,
      -708.5,
      128,
      -128,
      1024,
      -1024,
      0.5,
      -0.5,
      1e30,
      -1e30,
      1e300,
      -1e300,
      1 / 0.0,
      -1 / 0.0,
      Double.NaN
    };
    SplittableRandom random = new SplittableRandom(seed);
    MemorySegment segment = poison(count, 0);
    for (int i = 0; i < count; i++) {
      double scale = Math.scalb(1.0, random.nextInt(-30, 8));
      int chosen = random.nextInt(20 * special.length);
      set(segment, i, chosen < special.length ? special[chosen] : random.nextDouble(-1, 1) * scale);
    }
    return segment;
  }

  private double add(double x, double y) {
    return dtype == DType.F32 ? (float) x + (float) y : x + y;
  }

  private void set(MemorySegment segment, int i, double value) {
    Tensors.set(segment, dtype, i, value);
  }

  private double get(MemorySegment segment, int i) {
    return Tensors.get(segment, dtype, i);
  }

  /** Bit for bit, but that a NaN is as good as another; and the guard is whole. */
  private void assertSame(MemorySegment actual, MemorySegment expected, String what) {
    int i = firstDifference(actual, expected);
    if (i >= 0) {
      assertThat(get(actual, i)).as("%s, element %d", what, i).isEqualTo(get(expected, i));
    }
    MemorySegment guard = actual.asSlice(actual.byteSize() - GUARD);
    for (long at = 0; at < GUARD; at++) {
      assertThat(guard.get(ValueLayout.JAVA_BYTE, at)).as("guard").isEqualTo((byte) 0xFF);
    }
  }

  private int firstDifference(MemorySegment x, MemorySegment y) {
    int count = (int) (content(x).byteSize() / dtype.byteSize());
    for (int i = 0; i < count; i++) {
      if (Double.compare(get(x, i), get(y, i)) != 0) {
        return i;
      }
    }
    return -1;
  }
}
