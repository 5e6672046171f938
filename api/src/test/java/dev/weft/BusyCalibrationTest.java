package dev.weft;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.spi.BackendProvider;
import dev.weft.spi.Engine;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.ToDoubleBiFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of figures that a busy machine gives, in virtual time. */
class BusyCalibrationTest {
  private static final Work WORK = Work.gemm(DType.F32, 1024, 1024, 1024);

  @TempDir Path directory;
  private Path file;
  private final VirtualTime time = new VirtualTime();
  private final String before = System.getProperty(Weft.CALIBRATION_PROPERTY, "");
  private final String backendBefore = System.clearProperty(Weft.BACKEND_PROPERTY);

  /** How much longer than on a quiet machine an operation takes. */
  private ToDoubleBiFunction<String, Cost> disturbance = (backend, cost) -> 1;

  private final List<Weft.Candidate> candidates = new Vectors().candidates();

  @BeforeEach
  void ownFile() {
    file = directory.resolve("calibration.properties");
    System.setProperty(Weft.CALIBRATION_PROPERTY, file.toString());
    Calibrations.forget();
    Calibrations.use(time);
  }

  @AfterEach
  void restore() {
    System.setProperty(Weft.CALIBRATION_PROPERTY, before);
    if (backendBefore != null) {
      System.setProperty(Weft.BACKEND_PROPERTY, backendBefore);
    }
    Calibrations.use(Stopwatch.REAL);
    Calibrations.forget();
  }

  /** Backends called cpu, at 1 GFLOP/s, and scalar, ten times as slow in what is computed. */
  private final class Vectors implements BackendProvider {
    @Override
    public List<BackendInfo> backends() {
      return List.of(
          new BackendInfo("cpu", 2, Probe.available("vectors")),
          new BackendInfo("scalar", 1, Probe.available("none")));
    }

    List<Weft.Candidate> candidates() {
      return backends().stream().map(info -> new Weft.Candidate(this, info)).toList();
    }

    @Override
    public Engine open(String name, BackendOptions options) {
      HeapEngine engine = new HeapEngine(name);
      engine.spend =
          (cost, units) -> {
            double computed = name.equals("cpu") ? 1e-9 : 1e-8;
            double each =
                switch (cost) {
                  case GEMM_F32, GEMM_F64 -> computed;
                  case UNIFORM, NORMAL -> 100 * computed;
                  default -> 1e-9;
                };
            time.pass((5e-6 + units * each) * disturbance.applyAsDouble(name, cost));
          };
      return engine;
    }
  }

  private Calibration findOrMeasure() {
    return Calibrations.findOrMeasure(candidates);
  }

  private Calibration quietly() {
    AtomicReference<Calibration> made = new AtomicReference<>();
    TensorTest.logged(() -> made.set(findOrMeasure()));
    return made.get();
  }

  @Test
  void aQuietMachinesFiguresAreKept() {
    List<String> log = TensorTest.logged(this::findOrMeasure);
    assertThat(log).isEmpty();
    Calibrations.forget();
    Calibration read = Calibrations.find(candidates).orElseThrow();
    assertThat(read.contradictions()).isEmpty();
    assertThat(read.seconds()).isLessThan(22);
    Plan plan = read.plan(WORK);
    assertThat(plan.chosen()).isEqualTo("cpu");
    double exact = 2.0 * 1024 * 1024 * 1024 * 1e-9;
    assertThat(plan.estimates().getFirst().residentSeconds()).isBetween(0.9 * exact, 1.1 * exact);
  }

  /** The case that was seen: cpu slower than scalar, which no choice may follow from. */
  @Test
  void vectorsSlowerThanScalarAreSaidAndMeasuredAgain() {
    disturbance = (backend, cost) -> backend.equals("cpu") ? 30 : 1;
    AtomicReference<Calibration> made = new AtomicReference<>();
    List<String> log = TensorTest.logged(() -> made.set(findOrMeasure()));
    Calibration busy = made.get();
    assertThat(file).doesNotExist();
    assertThat(Calibrations.find(candidates)).isEmpty(); // so that open goes by rank
    assertThat(log).hasSize(1);
    String rule = "calibrate: need cpu no slower than scalar for a unit, got cost=gemm_f32, cpu=";
    for (String said :
        List.of(
            log.getFirst(), busy.explain(), busy.plan(WORK).explain(), busy.plan(WORK).reason())) {
      assertThat(said).contains(rule, "is not kept and is measured again later");
    }
    assertThat(busy.plan(WORK).chosen()).isEqualTo("cpu");
    assertThat(busy.seconds()).isLessThan(2 * Weft.CALIBRATION_SECONDS);

    disturbance = (backend, cost) -> 1;
    assertThat(findOrMeasure()).isSameAs(busy); // not in every call
    time.pass(Calibrations.AGAIN_NANOS * 1e-9 - 5);
    assertThat(findOrMeasure()).isSameAs(busy);
    time.pass(10);
    Calibration quiet = findOrMeasure();
    assertThat(quiet.contradictions()).isEmpty();
    assertThat(file).exists();
    assertThat(Calibrations.find(candidates)).containsSame(quiet);
  }

  /** A disturbance that ends while there is time is nobody's business. */
  @Test
  void repeatsWithinOneCall() {
    time.share = 0.2;
    double begin = time.seconds();
    disturbance =
        (backend, cost) -> {
          time.share = time.seconds() - begin > 20 ? 1 : 0.2;
          return 1;
        };
    assertThat(TensorTest.logged(this::findOrMeasure)).isEmpty();
    assertThat(file).exists();
  }

  @Test
  void loadIsNotKept() {
    time.share = 0.5;
    assertThat(quietly().contradictions()).singleElement().asString().contains("share=0.50");
    assertThat(file).doesNotExist();
    Calibrations.forget();
    time.share = 0.65;
    assertThat(quietly().contradictions()).isEmpty();
    assertThat(file).exists();
  }

  @Test
  void aBusyProcessIsNotKept() {
    time.processShare = 0.5;
    assertThat(quietly().contradictions())
        .singleElement()
        .asString()
        .startsWith("calibrate: need a process that comes to rest, got busy=50.");
    assertThat(file).doesNotExist();
  }

  /** Undisturbed in one round or two of five. */
  @Test
  void spreadIsNotKept() {
    disturbance = (backend, cost) -> cost == Cost.UPDATE && time.seconds() % 1.5 > 0.45 ? 10 : 1;
    assertThat(quietly().contradictions())
        .isNotEmpty()
        .allSatisfy(each -> assertThat(each).contains("rounds whose median", "cost=update"));
    assertThat(file).doesNotExist();
  }

  /** What disturbs three milliseconds in ten does not change a figure. */
  @Test
  void aModerateLoadChangesNothing() {
    disturbance =
        (backend, cost) ->
            new Random(7919 * (long) (1000 * time.seconds())).nextInt(10) < 3 ? 10 : 1;
    Calibration made = quietly();
    assertThat(made.contradictions()).isEmpty();
    double cpu = made.plan(WORK).estimates().getFirst().residentSeconds();
    double exact = 2.0 * 1024 * 1024 * 1024 * 1e-9;
    assertThat(cpu).isBetween(0.9 * exact, 1.1 * exact);
  }

  /** Earlier figures stay where a calibration that somebody asked for is not sound. */
  @Test
  void soundFiguresStay() {
    for (String where : List.of(file.toString(), "off")) {
      System.setProperty(Weft.CALIBRATION_PROPERTY, where);
      Calibrations.forget();
      time.share = 1;
      Calibration sound = findOrMeasure();
      time.share = 0.1;
      TensorTest.logged(
          () -> assertThat(Calibrations.measure(candidates).contradictions()).hasSize(1));
      assertThat(findOrMeasure()).isSameAs(sound);
    }
  }

  /** A file of an earlier version, which had no such rules. */
  @Test
  void aFileThatContradictsItselfIsMeasuredAgain() {
    BackendCosts cpu = PlanTest.costs("cpu", true, 1L << 30, 1e-6, 1e-10, 1e-9, 336e-3 / 2147e6);
    BackendCosts scalar =
        PlanTest.costs("scalar", true, 1L << 30, 1e-6, 1e-10, 1e-9, 161e-3 / 2147e6);
    CalibrationFile.write(
        file,
        new Calibration(Calibrations.key(candidates), Instant.EPOCH, 1, List.of(cpu, scalar)));
    List<String> log = TensorTest.logged(() -> assertThat(Calibrations.find(candidates)).isEmpty());
    assertThat(log).hasSize(1);
    assertThat(log.getFirst())
        .startsWith("calibration: " + file + " is left out: calibrate: need cpu no slower than")
        .endsWith("; remedy: weft plan, which measures again");
    Calibration made = quietly();
    assertThat(made.made()).isAfter(Instant.EPOCH);
    Calibrations.forget();
    assertThat(Calibrations.find(candidates).orElseThrow().costs()).isEqualTo(made.costs());
  }

  /** By the public methods, with the backends plain and spare. */
  @Test
  void openGoesByRankWhereFiguresContradictThemselves() {
    time.share = 0.1;
    List<Plan> plans = new ArrayList<>();
    TensorTest.logged(() -> plans.add(Weft.plan(WORK)));
    assertThat(plans.getFirst().chosen()).isEqualTo("plain");
    assertThat(plans.getFirst().explain())
        .contains("plain, the best by rank; this calibration contradicts itself", "share=0.10");
    assertThat(Weft.calibration()).isEmpty();
    assertThat(Weft.explain(WORK)).contains("the best by rank", "share=0.10");
    try (Backend backend = Weft.open(WORK)) {
      assertThat(backend.info().name()).isEqualTo("plain");
    }
    time.share = 1;
    time.pass(61);
    TensorTest.logged(() -> plans.add(Weft.plan(WORK)));
    assertThat(plans.getLast().reason()).doesNotContain("contradicts");
    assertThat(Weft.calibration()).isPresent();
    assertThat(Weft.explain(WORK)).contains("by the calibration of ");
  }
}
