/**
 * Plans of fills that every backend shares: a fill, a key and a type become the numbers that a
 * kernel needs for one element. Made on the host, once a fill, from IEEE operations and StrictMath
 * alone, so that every backend starts from the same bits; what a kernel does with them is its own.
 */
package dev.weft.spi.fill;
