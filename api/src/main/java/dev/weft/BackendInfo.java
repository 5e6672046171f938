package dev.weft;

/**
 * A backend as {@link Weft#backends} lists it.
 *
 * @param name the name that opens it: {@code cpu}, {@code scalar}, {@code gpu}, {@code gpu:1}
 * @param rank {@code auto} opens the available backend with the highest rank
 * @param probe whether it can run here
 * @since 0.1
 */
public record BackendInfo(String name, int rank, Probe probe) {}
