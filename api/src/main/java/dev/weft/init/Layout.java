package dev.weft.init;

import dev.weft.internal.Checks;

/**
 * Order of the axes of a weight.
 *
 * <table>
 * <caption>Axes</caption>
 * <tr><th>layout</th><th>dense</th><th>convolution</th></tr>
 * <tr><td>KERAS</td><td>(in, out)</td><td>(k…, in, out)</td></tr>
 * <tr><td>TORCH</td><td>(out, in)</td><td>(out, in / groups, k…)</td></tr>
 * </table>
 *
 * @since 0.1
 */
public enum Layout {
  /** Keras, TensorFlow, JAX: the channels last. */
  KERAS,
  /** PyTorch: the channels first. */
  TORCH;

  /** Name on the command line and in files: {@code keras}, {@code torch}. */
  public String id() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  /** The layout whose {@link #id} is {@code id}. */
  public static Layout parse(String id) {
    for (Layout layout : values()) {
      if (layout.id().equals(id)) {
        return layout;
      }
    }
    throw Checks.bad("layout", "need one of keras, torch", "layout", id);
  }
}
