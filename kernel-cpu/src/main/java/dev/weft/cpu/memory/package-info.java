/** Memory that the backend allocates for tensors. */
package dev.weft.cpu.memory;
