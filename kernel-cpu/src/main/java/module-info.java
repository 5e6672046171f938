/** The CPU backend: scalar everywhere, SIMD where the incubator module is present. */
module dev.weft.cpu {
  requires dev.weft;
  requires static jdk.incubator.vector;
}
