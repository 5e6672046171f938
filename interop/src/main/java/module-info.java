/** Files of tensors: NumPy, safetensors, raw; receipts, model manifests, atomic writes. */
module dev.weft.interop {
  requires transitive dev.weft;

  exports dev.weft.interop;
}
