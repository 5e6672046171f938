/** The random stream: keys, the order of its blocks, and its readable scalar definition. */
package dev.weft.random;
