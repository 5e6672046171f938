/** The kernels in vectors: the only package that imports {@code jdk.incubator.vector}. */
package dev.weft.cpu.vector;
