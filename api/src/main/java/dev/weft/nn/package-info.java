/**
 * Dense layers, their activations, losses and optimizers, and stacks of them; built on the
 * operations of a backend alone.
 */
package dev.weft.nn;
