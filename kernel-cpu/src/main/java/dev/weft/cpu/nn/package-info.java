/** Activations, losses and updates of the CPU backend. */
package dev.weft.cpu.nn;
