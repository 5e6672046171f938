/** The CUDA backend. Exports nothing. */
package dev.weft.gpu;
