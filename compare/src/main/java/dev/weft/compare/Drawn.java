package dev.weft.compare;

/**
 * What an initializer drew, and what its formula says.
 *
 * @param initializer its name
 * @param shape of the tensor, for example {@code [512, 512]}
 * @param low where the first bin begins
 * @param high where the last bin ends
 * @param counts of elements in bins of equal width
 * @param density the expected density at the ends of the bins, one more than bins; empty where the
 *     distribution has none in closed form
 * @param mean of the elements
 * @param variance of the elements
 * @param expectedMean of the distribution; NaN where there is none in closed form
 * @param expectedVariance of the distribution; NaN where there is none in closed form
 */
public record Drawn(
    String initializer,
    String shape,
    double low,
    double high,
    long[] counts,
    double[] density,
    double mean,
    double variance,
    double expectedMean,
    double expectedVariance) {}
