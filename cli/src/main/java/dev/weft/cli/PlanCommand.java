package dev.weft.cli;

import dev.weft.Calibration;
import dev.weft.DType;
import dev.weft.Plan;
import dev.weft.Weft;
import dev.weft.Work;
import dev.weft.init.Fill;
import dev.weft.interop.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code weft plan}: what typical work would take on each backend, as measured here. */
@Command(
    name = "plan",
    mixinStandardHelpOptions = true,
    description = "Shows what typical work takes on each backend, and which one auto takes for it.",
    footer = {
      "",
      "The first call measures every backend, which takes some seconds for each, and keeps the",
      "figures; weft generate and weft train with --backend auto then go by them. --calibrate",
      "measures again: do it while the machine does nothing else. Figures that contradict",
      "themselves, as those of a busy machine may, are shown with the reason and not kept."
    })
final class PlanCommand implements Callable<Integer> {
  private final Streams streams;

  @Option(names = "--calibrate", description = "measure now, also where there are figures")
  private boolean calibrate;

  @Option(names = "--json", description = "write JSON")
  private boolean json;

  PlanCommand(Streams streams) {
    this.streams = streams;
  }

  /** What is shown; operands on the host and on the backend are columns. */
  private static List<Work> works() {
    Fill uniform = Fill.uniform(-1, 1);
    Fill normal = Fill.normal(0, 1);
    return List.of(
        Work.fill(uniform, DType.F32, 10_000),
        Work.fill(uniform, DType.F32, 100_000_000),
        Work.fill(normal, DType.F32, 100_000_000),
        Work.gemm(DType.F32, 128, 128, 128),
        Work.gemm(DType.F32, 1024, 1024, 1024),
        Work.gemm(DType.F32, 4096, 4096, 4096),
        Work.gemm(DType.F64, 1024, 1024, 1024),
        Work.denseForward(DType.F32, 128, 784, 128),
        Work.denseBackward(DType.F32, 128, 784, 128),
        Work.trainStep(DType.F32, 32, 784, 256, 10),
        Work.trainStep(DType.F32, 512, 4096, 4096, 1000));
  }

  @Override
  public Integer call() {
    Optional<Calibration> found = calibrate ? Optional.empty() : Weft.calibration();
    Calibration calibration = found.orElseGet(this::measure);
    List<Plan> plans = works().stream().map(calibration::plan).toList();
    streams.print(json ? Json.writePretty(facts(calibration, plans)) : text(calibration, plans));
    return Exit.OK;
  }

  private Calibration measure() {
    streams.complain("weft plan: measuring each backend for some seconds");
    return Weft.calibrate(); // whose warning says what is wrong with figures
  }

  private static String text(Calibration calibration, List<Plan> plans) {
    StringBuilder text = new StringBuilder(calibration.explain());
    for (Plan plan : plans) {
      text.append('\n').append(plan.explain());
      String resident = calibration.plan(plan.work().resident()).chosen();
      text.append(resident.equals(plan.chosen()) ? "" : "  resident: " + resident + "\n");
    }
    return text.toString();
  }

  private static Map<String, Object> facts(Calibration calibration, List<Plan> plans) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("made", calibration.made().toString());
    facts.put("seconds", calibration.seconds());
    facts.put("backends", calibration.backends());
    facts.put("contradictions", calibration.contradictions());
    facts.put("plans", plans.stream().map(plan -> facts(calibration, plan)).toList());
    return facts;
  }

  private static Map<String, Object> facts(Calibration calibration, Plan plan) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("work", plan.work().toString());
    facts.put("chosen", plan.chosen());
    facts.put("chosen_resident", calibration.plan(plan.work().resident()).chosen());
    facts.put("reason", plan.reason());
    facts.put("estimates", plan.estimates().stream().map(PlanCommand::facts).toList());
    return facts;
  }

  private static Map<String, Object> facts(Plan.Estimate estimate) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("backend", estimate.backend());
    facts.put("resident_seconds", estimate.residentSeconds());
    facts.put("transfer_seconds", estimate.transferSeconds());
    facts.put("has_room", estimate.hasRoom());
    return facts;
  }
}
