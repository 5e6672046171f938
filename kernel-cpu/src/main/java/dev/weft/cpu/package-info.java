/** The CPU backend: engine, plans, and the contract of the fill kernels. Exports nothing. */
package dev.weft.cpu;
