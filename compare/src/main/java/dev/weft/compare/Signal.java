package dev.weft.compare;

/**
 * What becomes of signals in a stack of equal dense layers.
 *
 * @param initializer of the kernels
 * @param activation of every layer
 * @param activations variance of the input and of each layer's output, in order
 * @param gradients variance of the gradients by the same tensors, in the same order
 */
public record Signal(
    String initializer, String activation, double[] activations, double[] gradients) {}
