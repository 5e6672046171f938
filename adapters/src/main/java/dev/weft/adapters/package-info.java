/**
 * Memory handed over between weft and other numeric stacks of the JVM, without a copy. Each class
 * needs the jars of its own stack alone.
 */
package dev.weft.adapters;
