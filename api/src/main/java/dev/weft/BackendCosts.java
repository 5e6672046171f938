package dev.weft;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The measured costs of one backend.
 *
 * @param backend its name
 * @param isHost whether its memory is the host's, so that nothing is copied
 * @param limitBytes what its tensors may take
 * @param lines every cost; of a backend of the host all but the copies
 */
record BackendCosts(String backend, boolean isHost, long limitBytes, Map<Cost, Cost.Line> lines) {
  /** Keeps a copy. */
  BackendCosts {
    lines = Collections.unmodifiableMap(new EnumMap<>(lines));
  }

  /** Whether this has each cost that {@code isHost} asks for, and every figure makes sense. */
  boolean isValid() {
    for (Cost cost : Cost.values()) {
      Cost.Line line = lines.get(cost);
      if (line == null ? !(isHost && cost.isCopy()) : !line.isValid()) {
        return false;
      }
    }
    return limitBytes >= 0;
  }

  Plan.Estimate estimate(Work work) {
    double resident = lines.get(Cost.SYNCHRONIZE).overheadSeconds() + seconds(work.steps());
    double transfers = isHost ? 0 : seconds(work.transfers());
    boolean callers = work.operands() == Work.Operands.HOST && isHost; // its memory, not ours
    boolean hasRoom = callers || work.isInParts() || work.heldBytes() <= limitBytes;
    return new Plan.Estimate(backend, resident, transfers, hasRoom);
  }

  private double seconds(List<Work.Step> steps) {
    double sum = 0;
    for (Work.Step step : steps) {
      Cost.Line line = lines.get(step.cost());
      double bytes = step.bytes() * lines.get(Cost.STORE).secondsPerUnit();
      sum += line.overheadSeconds() + Math.max(step.units() * line.secondsPerUnit(), bytes);
    }
    return sum;
  }
}
