/** A small fuzzer: it mutates inputs, and holds what reads them to rules. */
package dev.weft.testkit.fuzz;
