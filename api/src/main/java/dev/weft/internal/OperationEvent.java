package dev.weft.internal;

import dev.weft.BackendInfo;
import dev.weft.DType;
import java.util.function.Supplier;

/** An operation that Flight Recorder hears of when it ends; see {@link Events}. */
public interface OperationEvent {
  /**
   * Ends the operation, and records it if it took as long as the recording asks for. One that
   * failed is not ended, and so not recorded.
   *
   * @param function the fill, activation or loss; empty for none
   * @param shape asked only if the operation is recorded
   * @param bytes of the operands, each once
   * @param flops of the products; 0 if there are none
   */
  void end(
      BackendInfo backend,
      DType dtype,
      Object function,
      Supplier<String> shape,
      long bytes,
      long flops);
}
