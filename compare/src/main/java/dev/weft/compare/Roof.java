package dev.weft.compare;

/**
 * A limit of the hardware, measured in the same run.
 *
 * @param kind {@code stores}: plain stores into memory that is there; {@code fma}: multiply-adds in
 *     registers; {@code memset}: the driver's own constant fill of a device
 * @param dtype of the operands of multiply-adds; empty for stores
 * @param threads that reach it together; 0 on a device
 * @param bytes of the memory that is stored to; 0 for multiply-adds
 * @param unit {@code GB/s} or {@code GFLOP/s}
 * @param rate the highest that was seen
 */
public record Roof(String kind, String dtype, int threads, long bytes, String unit, double rate) {}
