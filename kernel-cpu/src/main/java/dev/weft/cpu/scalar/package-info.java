/** The kernels in plain Java: the definition of every fill, with no incubator module. */
package dev.weft.cpu.scalar;
