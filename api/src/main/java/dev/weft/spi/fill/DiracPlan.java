package dev.weft.spi.fill;

import dev.weft.Shape;
import dev.weft.init.Fill;
import dev.weft.init.Layout;

/**
 * Where a dirac fill is 1: at the centre tap where input channel d meets output channel g·perGroup
 * + d.
 *
 * <p>As logical elements, in rising order: in TORCH layout o·inputs·taps + d·taps + centre for
 * every output channel o with d = o mod perGroup below {@code inputs}; in KERAS layout (centre·
 * inputs + d)·outputs + g·perGroup + d for every d below {@code inputs} and {@code perGroup}, and
 * every group g.
 *
 * @param layout where the channel axes are
 * @param outputs output channels
 * @param inputs input channels
 * @param perGroup output channels of a group
 * @param taps product of the spatial dimensions
 * @param centre index of the centre tap among them
 */
public record DiracPlan(
    Layout layout, long outputs, long inputs, long perGroup, long taps, long centre) {

  /** The plan of a fill of a tensor that has elements. */
  public static DiracPlan of(Fill.Dirac fill, Shape logical) {
    boolean torch = fill.layout() == Layout.TORCH;
    long outputs = torch ? logical.dim(0) : logical.dim(-1);
    long inputs = torch ? logical.dim(1) : logical.dim(-2);
    return new DiracPlan(
        fill.layout(),
        outputs,
        inputs,
        outputs / fill.groups(),
        logical.elements() / (outputs * inputs),
        centre(logical, fill.layout(), 0));
  }

  /**
   * Index of the centre tap among the taps of a convolution: k div 2 on every spatial axis, or (k −
   * 1) div 2 if {@code less} is 1.
   */
  public static long centre(Shape logical, Layout layout, int less) {
    int begin = layout == Layout.TORCH ? 2 : 0;
    long index = 0;
    for (int axis = begin; axis < begin + logical.rank() - 2; axis++) {
      index = index * logical.dim(axis) + (logical.dim(axis) - less) / 2;
    }
    return index;
  }
}
