/**
 * Tensors, shapes and backends: the entry point is {@link dev.weft.Weft}.
 *
 * <p>Laws that hold everywhere: a random fill is a pure function of (key, fill, logical shape,
 * element index), with the same bytes on every backend, vector width, thread count and slice (large
 * orthogonal matrices that a GPU makes: within {@link dev.weft.Accuracy#orthogonal}); memory is the
 * caller's when the caller wants it; nothing fails silently; sizes are {@code long}.
 */
package dev.weft;
