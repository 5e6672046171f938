package dev.weft.gpu.kernels;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.weft.Shape;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.spi.fill.DiracPlan;
import java.lang.foreign.MemorySegment;

/**
 * Where the elements of an orthogonal or delta-orthogonal tensor come from in Q [rows, columns]:
 * element e is at tap (e div inner) mod taps, and is there number (e div (inner·taps))·inner + e
 * mod inner. Taps other than the centre are 0. Number k is element k of Q by rows, or of its
 * transpose, times gain.
 *
 * @param inner elements between two taps
 * @param rows of Q, the longer side of the matrix
 * @param columns of Q, at least 1
 * @param transposed whether the tensor has Qᵀ by rows
 */
public record OrthogonalPlan(
    long inner, long taps, long centre, long rows, long columns, boolean transposed, double gain) {
  /** Size of the struct. */
  static final int BYTES = 56;

  /**
   * The plan of a tensor that has elements.
   *
   * @param fill {@link Fill.Orthogonal} or {@link Fill.DeltaOrthogonal}
   */
  public static OrthogonalPlan of(Fill fill, Shape logical) {
    return switch (fill) {
      case Fill.Orthogonal f -> of(f, logical);
      case Fill.DeltaOrthogonal f -> of(f, logical);
      default -> throw new AssertionError(fill + " is no orthogonal fill");
    };
  }

  private static OrthogonalPlan of(Fill.Orthogonal fill, Shape logical) {
    long rows = fill.rows(logical);
    long columns = fill.columns(logical);
    return new OrthogonalPlan(
        rows * columns,
        1,
        0,
        Math.max(rows, columns),
        Math.min(rows, columns),
        rows < columns,
        fill.gain());
  }

  /** The matrix is [inputs, outputs]; in TORCH layout the tensor has its transpose. */
  private static OrthogonalPlan of(Fill.DeltaOrthogonal fill, Shape logical) {
    boolean torch = fill.layout() == Layout.TORCH;
    long inputs = torch ? logical.dim(1) : logical.dim(-2);
    long outputs = torch ? logical.dim(0) : logical.dim(-1);
    long size = inputs * outputs;
    return new OrthogonalPlan(
        torch ? 1 : size,
        logical.elements() / size,
        DiracPlan.centre(logical, fill.layout(), 1),
        outputs,
        inputs,
        torch == (inputs == outputs),
        fill.gain());
  }

  /** Writes the struct {@code OrthogonalPlan} of orthogonal.cu. */
  void write(MemorySegment struct) {
    struct.set(JAVA_LONG, 0, inner);
    struct.set(JAVA_LONG, 8, taps);
    struct.set(JAVA_LONG, 16, centre);
    struct.set(JAVA_LONG, 24, rows);
    struct.set(JAVA_LONG, 32, columns);
    struct.set(JAVA_LONG, 40, transposed ? 1 : 0);
    struct.set(JAVA_DOUBLE, 48, gain);
  }
}
