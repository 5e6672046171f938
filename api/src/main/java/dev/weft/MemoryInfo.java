package dev.weft;

/**
 * The memory that a backend holds for its tensors; memory of the caller does not count.
 *
 * @param allocatedBytes bytes held now
 * @param peakBytes the most bytes held at once
 * @param limitBytes what may be held
 * @since 0.1
 */
public record MemoryInfo(long allocatedBytes, long peakBytes, long limitBytes) {}
