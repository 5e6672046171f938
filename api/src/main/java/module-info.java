/**
 * weft: reproducible random tensors and dense layers on a SIMD CPU or a CUDA GPU. Public types,
 * every argument check and the choice of a backend; no vendor library and no incubator module.
 */
@SuppressWarnings("module") // the backends and front ends are compiled after this module
module dev.weft {
  exports dev.weft;
  exports dev.weft.init;
  exports dev.weft.nn;
  exports dev.weft.random;
  exports dev.weft.spi to
      dev.weft.cpu,
      dev.weft.gpu;
  exports dev.weft.spi.fill to
      dev.weft.cpu,
      dev.weft.gpu;
  exports dev.weft.internal to
      dev.weft.adapters,
      dev.weft.cpu,
      dev.weft.gpu,
      dev.weft.interop,
      dev.weft.cli;

  uses dev.weft.spi.BackendProvider;
}
