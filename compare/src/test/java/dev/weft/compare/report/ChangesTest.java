package dev.weft.compare.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.compare.Results;
import dev.weft.compare.Verdict;
import dev.weft.compare.report.Changes.Change;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A change is one only beyond both intervals. */
class ChangesTest {
  private static Results run(double[]... samples) {
    return SampleResults.of("r", "weft cpu", samples);
  }

  private static Change change(Results before, Results after) {
    List<Change> changes = Changes.between(before, after).changes();
    assertThat(changes).hasSize(1);
    return changes.getFirst();
  }

  @Test
  void intervalsThatAreApartSaySo() {
    Results before = run(new double[] {100, 100, 100});

    assertThat(change(before, run(new double[] {101, 101, 101})).verdict())
        .isEqualTo(Verdict.FASTER);
    assertThat(change(before, run(new double[] {99, 99, 99})).verdict()).isEqualTo(Verdict.SLOWER);
  }

  /** A common end is no distance. */
  @Test
  void intervalsThatTouchShowNothing() {
    Results before = run(new double[] {100, 100, 100}, new double[] {110, 110, 110});
    Results above = run(new double[] {200, 200, 200});
    double high = change(before, above).before().high();

    Change touching = change(before, run(new double[] {high, high, high}));
    assertThat(touching.after().low()).isEqualTo(high);
    assertThat(touching.verdict()).isEqualTo(Verdict.SAME);

    double beyond = Math.nextUp(high);
    assertThat(change(before, run(new double[] {beyond, beyond, beyond})).verdict())
        .isEqualTo(Verdict.FASTER);
  }

  /** Half as fast again, but of samples that differ by more. */
  @Test
  void noiseHidesADifference() {
    Results before = run(new double[] {100, 60, 140});
    Results after = run(new double[] {150, 90, 210});

    Change change = change(before, after);

    assertThat(change.ratio()).isEqualTo(1.5);
    assertThat(change.verdict()).isEqualTo(Verdict.SAME);
    assertThat(change.low()).isZero(); // no rate is negative
    assertThat(change.high()).isInfinite();
  }

  @Test
  void theSameRunIsNotAChange() {
    Results run = SampleResults.cpu("a");

    Changes changes = Changes.between(run, SampleResults.cpu("b"));

    assertThat(changes.of(Verdict.SAME)).hasSameSizeAs(run.measurements());
    assertThat(changes.of(Verdict.SLOWER)).isEmpty();
    assertThat(changes.of(Verdict.FASTER)).isEmpty();
  }

  @Test
  void theSlowestComeFirstAndWhatOneRunLacksIsLeftOut() {
    Results before = SampleResults.gpu("a");
    Results after = SampleResults.cpu("b");

    Changes changes = Changes.between(before, after);

    assertThat(changes.changes()).hasSameSizeAs(after.measurements()); // fewer than before
    assertThat(changes.changes()).extracting(Change::ratio).isSorted();
    assertThat(changes.of(Verdict.SLOWER)).isNotEmpty();
    assertThat(
            Changes.between(run(new double[] {1}), SampleResults.of("r", "MKL", new double[] {1}))
                .changes())
        .isEmpty();
  }

  @Test
  void ratiosAreWithinTheirIntervals() {
    assertThat(Changes.between(SampleResults.cpu("a"), SampleResults.gpu("b")).changes())
        .allSatisfy(it -> assertThat(it.ratio()).isBetween(it.low(), it.high()));
  }
}
