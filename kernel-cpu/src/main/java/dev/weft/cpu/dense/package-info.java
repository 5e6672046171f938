/**
 * Dense linear algebra: gemm in BLIS form (plan, pack, macro, micro) and blocked Householder QR.
 */
package dev.weft.cpu.dense;
