/** cuBLAS, and what is made of it. */
package dev.weft.gpu.blas;
