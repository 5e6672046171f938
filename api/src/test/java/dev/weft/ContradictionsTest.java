package dev.weft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Each rule is broken by one case, and held by one that is near it. */
class ContradictionsTest {
  private static final BackendCosts CPU =
      PlanTest.costs("cpu", true, 1L << 40, 1e-6, 1e-10, 1e-9, 1e-11);
  private static final BackendCosts SCALAR =
      PlanTest.costs("scalar", true, 1L << 40, 1e-6, 1e-10, 1e-8, 1e-10);

  private static List<String> found(Consumer<Contradictions> check) {
    Contradictions contradictions = new Contradictions();
    check.accept(contradictions);
    return contradictions.found();
  }

  @Test
  void othersMayNotTakeTheProcessors() {
    assertThat(found(to -> to.load(0.59)))
        .containsExactly(
            "calibrate: need a share of the processors >= 0.6, others take the rest, got share=0.59");
    assertThat(found(to -> to.load(0.61))).isEmpty();
    assertThat(found(to -> to.load(Double.NaN))).hasSize(1);
  }

  @Test
  void theProcessComesToRest() {
    assertThat(found(to -> to.warm(false, 50)))
        .containsExactly("calibrate: need a process that comes to rest, got busy=50.0 s");
    assertThat(found(to -> to.warm(true, 49))).isEmpty();
  }

  @Test
  void roundsAgree() {
    double[] apart = {5e-3, 1e-3, 2.1e-3, 1e-3, 3e-3}; // the last ones compiled, or one at rest
    assertThat(found(to -> to.spread("cpu", Cost.GEMM_F32, "many", apart)))
        .containsExactly(
            "calibrate: need rounds whose median is at most 2.0 times the least, got backend=cpu,"
                + " cost=gemm_f32, size=many, least=1.00 ms, median=2.10 ms");
    double[] near = {5e-3, 1e-3, 1.9e-3, 1e-3, 3e-3};
    assertThat(found(to -> to.spread("cpu", Cost.GEMM_F32, "many", near))).isEmpty();
    double[] tiny = {9e-6, 1e-6, 9e-6, 9e-6, 9e-6}; // less than what decides anything
    assertThat(found(to -> to.spread("cpu", Cost.GEMM_F32, "one", tiny))).isEmpty();
  }

  @Test
  void timeGrowsWithTheSize() {
    assertThat(found(to -> to.sizes("cpu", Cost.PASS, 1e-6, 1.2e-3, 1e-3)))
        .containsExactly(
            "calibrate: need a time that grows with the size, got backend=cpu, cost=pass,"
                + " one=1.00 µs, part=1.20 ms, many=1.00 ms");
    assertThat(found(to -> to.sizes("cpu", Cost.PASS, 1e-3, 0.5e-3, 2e-3))).hasSize(1);
    assertThat(found(to -> to.sizes("cpu", Cost.PASS, 1e-6, 1.09e-3, 1e-3))).isEmpty();
    assertThat(found(to -> to.sizes("cpu", Cost.PASS, 9e-6, 1e-7, 1e-7))).isEmpty();
  }

  @Test
  void memoryIsNoFasterThanCache() {
    assertThat(found(to -> to.memory("cpu", Cost.STORE, 0.25, 0.52e-3, 1e-3)))
        .containsExactly(
            "calibrate: need a part that takes at most 2.0 times its fraction, got backend=cpu,"
                + " cost=store, fraction=0.25, part=520 µs, many=1.00 ms");
    assertThat(found(to -> to.memory("cpu", Cost.STORE, 0.25, 0.49e-3, 1e-3))).isEmpty();
    assertThat(found(to -> to.memory("cpu", Cost.STORE, 0.25, 9e-6, 9e-6))).isEmpty();
  }

  @Test
  void moreWorkTakesMoreTime() {
    BackendCosts normals = with(CPU, Cost.NORMAL, 1e-6, 0.49e-9); // uniforms take 1e-9
    assertThat(figures(normals))
        .containsExactly(
            "calibrate: need store <= uniform <= normal an element, within a factor of 2.0, got"
                + " backend=cpu, store=0.40 ns, uniform=1.00 ns, normal=0.49 ns");
    assertThat(figures(with(CPU, Cost.NORMAL, 1e-6, 0.51e-9))).isEmpty();
    assertThat(figures(with(CPU, Cost.STORE, 1e-6, 0.51e-9))).hasSize(1); // four bytes
    assertThat(figures(with(CPU, Cost.STORE, 1e-6, 0.49e-9))).isEmpty();
  }

  @Test
  void vectorsAreNoSlower() {
    assertThat(figures(CPU, SCALAR)).isEmpty();
    for (Cost cost : List.of(Cost.UNIFORM, Cost.NORMAL, Cost.GEMM_F32, Cost.GEMM_F64)) {
      double scalar = SCALAR.lines().get(cost).secondsPerUnit();
      BackendCosts slow = with(cpuLikeScalar(), cost, 1e-6, 1.11 * scalar);
      assertThat(figures(slow, SCALAR)).hasSize(1);
      assertThat(figures(with(cpuLikeScalar(), cost, 1e-6, 1.09 * scalar), SCALAR)).isEmpty();
    }
    assertThat(figures(with(CPU, Cost.GEMM_F32, 1e-6, 2.1e-10), SCALAR))
        .containsExactly(
            "calibrate: need cpu no slower than scalar for a unit, got cost=gemm_f32,"
                + " cpu=2.10e-10 s, scalar=1.00e-10 s");
    assertThat(figures(with(CPU, Cost.PASS, 1e-6, 2.1e-10), SCALAR)).hasSize(1);
    assertThat(figures(with(CPU, Cost.PASS, 1e-6, 1.9e-10), SCALAR)).isEmpty();
    assertThat(figures(with(CPU, Cost.PASS, 12e-6, 1e-10), SCALAR)).hasSize(1);
    assertThat(figures(with(CPU, Cost.PASS, 10e-6, 1e-10), SCALAR)).isEmpty();
  }

  /** Of other pairs nobody knows which is faster. */
  @Test
  void otherBackendsMayBeInAnyOrder() {
    BackendCosts device = PlanTest.costs("gpu", false, 1L << 34, 1e-3, 1e-8, 1e-7, 1e-9);
    assertThat(figures(CPU, device)).isEmpty();
    assertThat(figures(device, SCALAR)).isEmpty();
  }

  private static BackendCosts cpuLikeScalar() {
    return new BackendCosts("cpu", true, 1L << 40, SCALAR.lines());
  }

  private static List<String> figures(BackendCosts... costs) {
    return found(to -> to.figures(List.of(costs)));
  }

  static BackendCosts with(BackendCosts costs, Cost cost, double overhead, double perUnit) {
    Map<Cost, Cost.Line> lines = new EnumMap<>(costs.lines());
    lines.put(cost, new Cost.Line(overhead, perUnit));
    return new BackendCosts(costs.backend(), costs.isHost(), costs.limitBytes(), lines);
  }
}
