package dev.weft;

import dev.weft.init.Fill;
import dev.weft.init.Initializer;
import dev.weft.internal.Checks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One operation and how large it is, for {@link Weft#plan} and {@link Weft#open(Work)}: it says
 * what is to be done, and does nothing.
 *
 * <table>
 * <caption>What is moved where the operands are on the host; s bytes an element</caption>
 * <tr><th>work</th><th>to the backend</th><th>to the host</th></tr>
 * <tr><td>fill</td><td>nothing</td><td>the tensor</td></tr>
 * <tr><td>gemm</td><td>a, b: s·(M·K + K·N)</td><td>c: s·M·N</td></tr>
 * <tr><td>dense forward</td><td>x: s·B·I</td><td>y: s·B·O</td></tr>
 * <tr><td>dense backward</td><td>x, y, dy: s·B·(I + 2·O)</td><td>dx: s·B·I</td></tr>
 * <tr><td>train step</td><td>x: s·B·I, and B labels</td><td>the loss</td></tr>
 * </table>
 *
 * <p>The weights of layers, their gradients and the state of the optimizer are the backend's
 * always.
 *
 * @since 0.1
 */
public final class Work {
  /** Where the operands of a work are. */
  public enum Operands {
    /** In memory of the host, which a device copies from and to. */
    HOST,
    /** In memory of the backend that does the work. */
    RESIDENT
  }

  /**
   * A part of a work.
   *
   * @param units of {@code cost}
   * @param bytes read and written, for a product that may be bound by memory; else 0
   */
  record Step(Cost cost, double units, double bytes) {
    Step(Cost cost, double units) {
      this(cost, units, 0);
    }
  }

  private static final String OP = "work";
  private static final int LABEL_BYTES = 4;

  private final String text;
  private final Operands operands;
  private final List<Step> steps;
  private final List<Step> transfers;
  private final double heldBytes;
  private final boolean inParts;

  private Work(
      String text,
      Operands operands,
      List<Step> steps,
      List<Step> transfers,
      double heldBytes,
      boolean inParts) {
    this.text = text;
    this.operands = operands;
    this.steps = steps;
    this.transfers = transfers;
    this.heldBytes = heldBytes;
    this.inParts = inParts;
  }

  /**
   * A fill of {@code elements} elements: constant, identity, Dirac, bits, uniform, normal or
   * truncated normal. Others take a time that is not measured.
   *
   * @param elements at least 0
   * @throws IllegalArgumentException {@code work: need a fill whose cost is measured, got fill=…},
   *     or for a number of elements below 0
   */
  public static Work fill(Fill fill, DType dtype, long elements) {
    if (elements < 0) {
      throw Checks.bad(OP, "need elements >= 0", "elements", elements);
    }
    Cost cost = Cost.of(fill);
    if (cost == null) {
      throw Checks.bad(OP, "need a fill whose cost is measured", "fill", fill);
    }
    double bytes = (double) elements * dtype.byteSize();
    double units = cost == Cost.STORE ? bytes : dtype == DType.F64 ? 2.0 * elements : elements;
    String name = fill.getClass().getSimpleName();
    return new Work(
        "fill " + spaced(name) + " " + dtype.id() + " [" + elements + "]",
        Operands.HOST,
        List.of(new Step(cost, units)),
        List.of(new Step(Cost.COPY_OUT, bytes)),
        bytes,
        true);
  }

  /**
   * A fill of a tensor of {@code shape} by an initializer; see {@link #fill(Fill, DType, long)}.
   */
  public static Work fill(Initializer initializer, DType dtype, Shape shape) {
    return fill(initializer.plan(shape), dtype, shape.elements());
  }

  /**
   * A product {@code c [M, N] = a [M, K]·b [K, N]}; see {@link Backend#gemm(double, Matrix, Matrix,
   * double, Matrix)}.
   *
   * @param dtype F32 or F64, of all three
   * @param m rows of a and c, at least 1
   * @param n columns of b and c, at least 1
   * @param k what is summed over, at least 1
   * @throws IllegalArgumentException {@code work: need m, n, k >= 1, got …} or {@code work: need
   *     f32 or f64, got dtype=…}
   */
  public static Work gemm(DType dtype, long m, long n, long k) {
    requireReal(dtype);
    if (m < 1 || n < 1 || k < 1) {
      throw Checks.bad(OP, "need m, n, k >= 1", "m", m, "n", n, "k", k);
    }
    double s = dtype.byteSize();
    double in = s * k * ((double) m + n);
    double out = s * m * n;
    return new Work(
        "gemm " + dtype.id() + " [" + m + ", " + k + "]·[" + k + ", " + n + "]",
        Operands.HOST,
        List.of(product(dtype, m, n, k)),
        List.of(
            new Step(Cost.COPY_IN, s * m * k),
            new Step(Cost.COPY_IN, s * k * n),
            new Step(Cost.COPY_OUT, out)),
        in + out,
        false);
  }

  /**
   * A layer's {@code y [B, O] = f(x [B, I]·w + b)}; see {@link dev.weft.nn.Dense#forward}.
   *
   * @param dtype F32 or F64
   * @param batch B, at least 1
   * @param inputs I, at least 1
   * @param outputs O, at least 1
   * @throws IllegalArgumentException {@code work: need batch, inputs, outputs >= 1, got …} or
   *     {@code work: need f32 or f64, got dtype=…}
   */
  public static Work denseForward(DType dtype, long batch, long inputs, long outputs) {
    requireLayer(dtype, batch, inputs, outputs);
    List<Step> steps = new ArrayList<>();
    addForward(steps, dtype, batch, inputs, outputs);
    double s = dtype.byteSize();
    return new Work(
        "dense forward " + sizes(dtype, batch, inputs, outputs),
        Operands.HOST,
        steps,
        List.of(
            new Step(Cost.COPY_IN, s * batch * inputs),
            new Step(Cost.COPY_OUT, s * batch * outputs)),
        s * ((double) batch * inputs + ((double) inputs + 1) * outputs + (double) batch * outputs),
        false);
  }

  /**
   * A layer's dw, db and dx; see {@link dev.weft.nn.Dense#backward}. Sizes and errors are those of
   * {@link #denseForward}.
   */
  public static Work denseBackward(DType dtype, long batch, long inputs, long outputs) {
    requireLayer(dtype, batch, inputs, outputs);
    List<Step> steps = new ArrayList<>();
    addBackward(steps, dtype, batch, inputs, outputs);
    steps.add(product(dtype, batch, inputs, outputs)); // dx
    double s = dtype.byteSize();
    double x = s * batch * inputs;
    double y = s * batch * outputs;
    return new Work(
        "dense backward " + sizes(dtype, batch, inputs, outputs),
        Operands.HOST,
        steps,
        List.of(
            new Step(Cost.COPY_IN, x),
            new Step(Cost.COPY_IN, y),
            new Step(Cost.COPY_IN, y),
            new Step(Cost.COPY_OUT, x)),
        2 * x + 3 * y + 2 * s * ((double) inputs + 1) * outputs,
        false);
  }

  /**
   * A step of training of a perceptron with an optimizer like Adam; see {@link
   * dev.weft.nn.Mlp#trainStep(Tensor, dev.weft.nn.Labels)}.
   *
   * @param dtype F32 or F64
   * @param batch B, at least 1
   * @param layers inputs, then the outputs of each layer: two sizes or more, each at least 1
   * @throws IllegalArgumentException {@code work: need batch >= 1 and two or more layers >= 1, got
   *     …} or {@code work: need f32 or f64, got dtype=…}
   */
  public static Work trainStep(DType dtype, long batch, long... layers) {
    requireReal(dtype);
    if (batch < 1 || layers.length < 2 || Arrays.stream(layers).anyMatch(size -> size < 1)) {
      throw Checks.bad(
          OP,
          "need batch >= 1 and two or more layers >= 1",
          "batch",
          batch,
          "layers",
          Arrays.toString(layers));
    }
    double s = dtype.byteSize();
    double held = s * batch * layers[0];
    List<Step> steps = new ArrayList<>();
    for (int i = 1; i < layers.length; i++) {
      long inputs = layers[i - 1];
      long outputs = layers[i];
      addForward(steps, dtype, batch, inputs, outputs);
      addBackward(steps, dtype, batch, inputs, outputs);
      if (i > 1) {
        steps.add(product(dtype, batch, inputs, outputs)); // dx
      }
      steps.add(new Step(Cost.UPDATE, 7 * s * inputs * outputs));
      steps.add(new Step(Cost.UPDATE, 7 * s * outputs));
      held += 4 * s * ((double) inputs + 1) * outputs + 3 * s * batch * outputs;
    }
    long classes = layers[layers.length - 1];
    steps.add(new Step(Cost.PASS, 2 * s * batch * classes)); // the loss
    return new Work(
        "train step " + dtype.id() + " batch " + batch + ", layers " + join(layers),
        Operands.HOST,
        steps,
        List.of(
            new Step(Cost.COPY_IN, s * batch * layers[0]),
            new Step(Cost.COPY_IN, (double) LABEL_BYTES * batch),
            new Step(Cost.COPY_OUT, Double.BYTES)),
        held,
        false);
  }

  /** This work on operands in the memory of the backend that does it. */
  public Work resident() {
    return new Work(text, Operands.RESIDENT, steps, transfers, heldBytes, inParts);
  }

  /** Where the operands are: on the host unless {@link #resident} was called. */
  public Operands operands() {
    return operands;
  }

  /** What is done besides transfers. */
  List<Step> steps() {
    return steps;
  }

  /** What a device copies where the operands are on the host. */
  List<Step> transfers() {
    return transfers;
  }

  /** Bytes that all operands take together. */
  double heldBytes() {
    return heldBytes;
  }

  /** Whether a device does it in parts where the operands are on the host: of any size. */
  boolean isInParts() {
    return inParts && operands == Operands.HOST;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Work work && text.equals(work.text) && operands == work.operands;
  }

  @Override
  public int hashCode() {
    return 31 * text.hashCode() + operands.hashCode();
  }

  /** For example {@code gemm f32 [1024, 256]·[256, 10], operands on the host}. */
  @Override
  public String toString() {
    return text + (operands == Operands.HOST ? ", operands on the host" : ", operands resident");
  }

  private static void addForward(List<Step> steps, DType dtype, long b, long i, long o) {
    steps.add(product(dtype, b, o, i));
    steps.add(new Step(Cost.PASS, 2.0 * dtype.byteSize() * b * o));
  }

  /** dz and db, then dw. */
  private static void addBackward(List<Step> steps, DType dtype, long b, long i, long o) {
    steps.add(new Step(Cost.PASS, 3.0 * dtype.byteSize() * b * o));
    steps.add(product(dtype, i, o, b));
  }

  private static Step product(DType dtype, double m, double n, double k) {
    return new Step(Cost.gemm(dtype), 2 * m * n * k, dtype.byteSize() * (m * k + k * n + m * n));
  }

  private static void requireLayer(DType dtype, long batch, long inputs, long outputs) {
    requireReal(dtype);
    if (batch < 1 || inputs < 1 || outputs < 1) {
      throw Checks.bad(
          OP,
          "need batch, inputs, outputs >= 1",
          "batch",
          batch,
          "inputs",
          inputs,
          "outputs",
          outputs);
    }
  }

  private static void requireReal(DType dtype) {
    if (dtype != DType.F32 && dtype != DType.F64) {
      throw Checks.bad(OP, "need f32 or f64", "dtype", dtype.id());
    }
  }

  private static String sizes(DType dtype, long batch, long inputs, long outputs) {
    return dtype.id() + " batch " + batch + ", " + inputs + " → " + outputs;
  }

  private static String join(long[] layers) {
    StringBuilder text = new StringBuilder();
    for (long size : layers) {
      text.append(text.isEmpty() ? "" : " → ").append(size);
    }
    return text.toString();
  }

  /** {@code TruncatedNormal} as {@code truncated normal}. */
  private static String spaced(String name) {
    return name.replaceAll("(?<=[a-z])(?=[A-Z])", " ").toLowerCase(java.util.Locale.ROOT);
  }
}
