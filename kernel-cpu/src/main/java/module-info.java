/** The CPU backend: scalar everywhere, SIMD where the incubator module is present. */
module dev.weft.cpu {
  requires dev.weft;
  requires java.management;
  requires jdk.management;
  requires static jdk.incubator.vector;

  provides dev.weft.spi.BackendProvider with
      dev.weft.cpu.CpuProvider;
}
