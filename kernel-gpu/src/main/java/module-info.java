/** The CUDA backend, found as a provider. */
module dev.weft.gpu {
  requires dev.weft;
  requires jcublas;
  requires jcuda;
  requires jcurand;

  uses dev.weft.spi.BackendProvider;

  provides dev.weft.spi.BackendProvider with
      dev.weft.gpu.GpuProvider;
}
