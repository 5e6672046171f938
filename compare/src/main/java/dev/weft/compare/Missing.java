package dev.weft.compare;

/**
 * What was asked for and did not run.
 *
 * @param contestant who it is: {@code ND4J}, {@code weft gpu} …
 * @param what the task or tasks, in words
 * @param reason why, in one line
 */
public record Missing(String contestant, String what, String reason) {}
