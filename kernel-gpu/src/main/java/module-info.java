/** The CUDA backend. */
module dev.weft.gpu {
  requires dev.weft;
}
