/** A stand-in for CUDA's driver, which runs the kernels where there is no GPU. */
package dev.weft.testkit.gpu;
