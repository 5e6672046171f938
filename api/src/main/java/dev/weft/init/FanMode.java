package dev.weft.init;

/**
 * The number n by which a variance-scaling scheme divides, from {@link Fans}.
 *
 * @since 0.1
 */
public enum FanMode {
  /** n = fan_in. */
  FAN_IN,
  /** n = fan_out. */
  FAN_OUT,
  /** n = (fan_in + fan_out) / 2. */
  FAN_AVG,
  /** n = √(fan_in · fan_out). */
  FAN_GEO_AVG
}
