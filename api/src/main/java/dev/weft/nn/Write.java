package dev.weft.nn;

/**
 * What becomes of the old values of a gradient.
 *
 * @since 0.1
 */
public enum Write {
  /** They are not read. */
  OVERWRITE,
  /** The new ones are added to them. */
  ACCUMULATE
}
