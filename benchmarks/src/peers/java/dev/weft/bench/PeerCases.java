package dev.weft.bench;

/** Cases of the peer benchmarks as one line of text, for other processes. */
final class PeerCases {
  private PeerCases() {}

  /**
   * The benchmark of {@code gemm MxNxK f32}, {@code forward BxIxO}, {@code backward BxIxO}, {@code
   * step LAYERS BATCH OPTIMIZER} or {@code fill DISTRIBUTION SIZE reused}.
   *
   * @throws IllegalArgumentException if it is none of these: {@code peer: need …}
   */
  static PeerBenchmark parse(String text) {
    String[] words = text.split(" ");
    try {
      return switch (words[0]) {
        case "gemm" -> {
          PeerGemmBenchmark gemm = new PeerGemmBenchmark();
          gemm.mnk = words[1];
          gemm.dtype = words[2];
          yield gemm;
        }
        case "forward" -> {
          PeerDenseForwardBenchmark forward = new PeerDenseForwardBenchmark();
          forward.bio = words[1];
          yield forward;
        }
        case "backward" -> {
          PeerDenseBackwardBenchmark backward = new PeerDenseBackwardBenchmark();
          backward.bio = words[1];
          yield backward;
        }
        case "step" -> {
          PeerTrainStepBenchmark step = new PeerTrainStepBenchmark();
          step.layers = words[1];
          step.batch = Integer.parseInt(words[2]);
          step.optimizer = words[3];
          yield step;
        }
        case "fill" -> {
          PeerFillBenchmark fill = new PeerFillBenchmark();
          fill.distribution = words[1];
          fill.size = words[2];
          fill.memory = words[3];
          yield fill;
        }
        default -> throw new IllegalArgumentException("peer: need a case, got " + text);
      };
    } catch (ArrayIndexOutOfBoundsException e) {
      throw new IllegalArgumentException("peer: need a case with all its words, got " + text, e);
    }
  }
}
