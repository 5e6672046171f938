package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.Shape;
import org.openjdk.jmh.annotations.Param;

/** Memory that needs no other library, beside weft's own ({@code native}). */
public class EmbeddingBenchmark extends HandOverBenchmark {
  /** Whose memory it is. */
  @Param({"native", "array", "buffer", "segment", "dlpack"})
  public String memory;

  @Override
  ForeignMemory open(Backend backend, Shape shape) {
    return ForeignMemory.open(memory, backend, shape);
  }
}
