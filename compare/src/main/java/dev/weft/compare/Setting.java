package dev.weft.compare;

/**
 * An environment variable that may change how fast a library is.
 *
 * @param variable its name
 * @param found its value before the run; empty if it had none
 * @param done what the run did with it, such as {@code removed}
 */
public record Setting(String variable, String found, String done) {}
