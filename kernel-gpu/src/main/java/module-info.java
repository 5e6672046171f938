/** The CUDA backend: for now a provider that says what is missing. */
module dev.weft.gpu {
  requires dev.weft;

  provides dev.weft.spi.BackendProvider with
      dev.weft.gpu.GpuProvider;
}
