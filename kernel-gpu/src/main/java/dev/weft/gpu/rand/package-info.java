/** cuRAND as a generator of the words of random fills. */
package dev.weft.gpu.rand;
