/** Threads that share the chunks of one operation. */
package dev.weft.cpu.parallel;
