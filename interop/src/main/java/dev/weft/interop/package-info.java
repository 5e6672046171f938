/**
 * Tensors in files: NumPy's {@code .npy}, {@code .safetensors} (sharded too) and raw little-endian
 * elements; receipts from which a file can be recomputed; manifests of whole models.
 *
 * <p>Readers are strict: a file is malformed ({@link dev.weft.interop.FormatException}) or read
 * exactly. Writers are atomic: a file appears whole or not at all.
 */
package dev.weft.interop;
