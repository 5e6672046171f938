/**
 * The CUDA kernels and the Java side of their launches: which kernels a fill takes and what they
 * are told. Knows no CUDA library; the sources and their PTX are resources of this package.
 */
package dev.weft.gpu.kernels;
