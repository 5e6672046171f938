package dev.weft.adapters;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;

/** DJL's PyTorch engine, from the jars alone. */
final class PyTorch {
  static {
    System.setProperty("ai.djl.offline", "true");
  }

  private PyTorch() {}

  /** A manager of arrays of the host. */
  static NDManager manager() {
    return Engine.getEngine("PyTorch").newBaseManager(Device.cpu());
  }
}
