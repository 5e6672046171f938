package dev.weft.cpu;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.Weft;
import dev.weft.testkit.contract.PeerMistakesContract;
import dev.weft.testkit.contract.StatisticsContract;
import org.junit.jupiter.api.Nested;

/** The distributions, once: every technique writes the same bits. */
class CpuStatisticsTest {
  @Nested
  class Distributions extends StatisticsContract {
    @Override
    protected Backend open(BackendOptions options) {
      return Weft.open("cpu", options);
    }
  }

  @Nested
  class PeerMistakes extends PeerMistakesContract {
    @Override
    protected Backend open(BackendOptions options) {
      return Weft.open("cpu", options);
    }
  }
}
