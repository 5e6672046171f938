package dev.weft.compare;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One run: what it was on, what limits it had, what was measured and how results agreed.
 *
 * @param name what a reader calls it: the file's name
 * @param created when, as ISO 8601
 * @param command what made it
 * @param machine what it ran on; empty where a file does not say
 * @param environment variables that may change how fast the libraries are
 */
public record Results(
    String name,
    String created,
    String command,
    Optional<Machine> machine,
    List<Setting> environment,
    List<Roof> roofs,
    List<Measurement> measurements,
    List<Missing> missing,
    List<Agreement> agreements,
    List<Drawn> drawn,
    List<Signal> signals) {

  /** The same with the measurements of {@code that}, which says nothing of a machine. */
  public Results with(Results that) {
    List<Measurement> all = new ArrayList<>(measurements);
    all.addAll(that.measurements);
    List<Missing> none = new ArrayList<>(missing);
    none.addAll(that.missing);
    return new Results(
        name, created, command, machine, environment, roofs, all, none, agreements, drawn, signals);
  }

  /** The measurement of a task by a contestant. */
  public Optional<Measurement> of(Task task, String contestant) {
    return measurements.stream()
        .filter(it -> it.task().equals(task) && it.contestant().equals(contestant))
        .findFirst();
  }

  /**
   * The roof over a task: plain stores into as much memory by as many threads for fills, and
   * multiply-adds of as many threads for products; empty if it was not measured, for a fill that is
   * computed by products, and for one that ends in another memory than its device's.
   */
  public Optional<Roof> roof(Task task) {
    boolean stores = task.suite() == Suite.FILL;
    if (stores && (task.flop() > 0 || task.memory().equals("end to end"))) {
      return Optional.empty();
    }
    return roofs.stream()
        .filter(roof -> roof.threads() == task.threads())
        .filter(
            roof ->
                stores
                    ? roof.unit().equals("GB/s") && roof.bytes() == task.bytes()
                    : roof.kind().equals("fma") && task.dtype().equals(roof.dtype()))
        .findFirst();
  }
}
