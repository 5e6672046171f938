/** CUDA's driver: libraries, devices, memory, copies and launches; the only users of jcuda here. */
package dev.weft.gpu.cuda;
