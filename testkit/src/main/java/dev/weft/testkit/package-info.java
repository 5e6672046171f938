/** The oracle, the known answers and the contract tests that every backend passes. */
package dev.weft.testkit;
