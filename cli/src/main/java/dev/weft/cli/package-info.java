/**
 * The command {@code weft}: results on standard output, progress and warnings on standard error,
 * exit codes in {@link dev.weft.cli.Exit}.
 */
package dev.weft.cli;
