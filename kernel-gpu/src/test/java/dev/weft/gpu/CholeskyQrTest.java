package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.gpu.blas.Blas;
import dev.weft.gpu.blas.CholeskyQr;
import dev.weft.gpu.cuda.Cuda;
import dev.weft.gpu.cuda.Device;
import dev.weft.gpu.cuda.DeviceMemory;
import dev.weft.gpu.cuda.Transfers;
import dev.weft.gpu.kernels.OrthogonalKernel;
import dev.weft.gpu.kernels.OrthogonalLaunch;
import dev.weft.testkit.Reference;
import dev.weft.testkit.gpu.FakeCublas;
import dev.weft.testkit.gpu.FakeDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Cholesky QR of matrices of a chosen condition, over stand-ins for cuBLAS and the driver. */
class CholeskyQrTest {
  private FakeDriver driver;
  private FakeCublas cublas;

  @BeforeEach
  void load() {
    driver = FakeDriver.load();
    cublas = FakeCublas.load();
  }

  @AfterEach
  void nothingIsHeld() {
    assertThat(driver.held("bytes")).isZero();
    assertThat(driver.held("contexts")).isZero();
    assertThat(cublas.held()).isZero();
  }

  /** Q of A [m, n]; null if it says that it failed. */
  private static double[][] orthonormalized(double[][] a) {
    int m = a.length;
    int n = a[0].length;
    double[] flat = Arrays.stream(a).flatMapToDouble(Arrays::stream).toArray();
    MemorySegment memory = MemorySegment.ofArray(flat);
    MemorySegment word = MemorySegment.ofArray(new int[1]);
    Device device = new Device(Cuda.devices().getFirst(), List.of(OrthogonalKernel.ptx()));
    DeviceMemory blocks = new DeviceMemory(device, 0);
    Transfers transfers = new Transfers(device, blocks);
    OrthogonalLaunch launch =
        new OrthogonalLaunch(
            Arena.ofAuto(),
            (kernel, items, threads, arguments) ->
                device.launch(
                    kernel.symbol(),
                    (int) ((items + threads - 1) / threads),
                    threads,
                    new Device.Arguments(arguments)));
    try (Blas blas = new Blas(device, blocks)) {
      DeviceMemory.Block q = blocks.allocate(memory.byteSize());
      DeviceMemory.Block gram = blocks.allocate(8L * n * n);
      DeviceMemory.Block failed = blocks.allocate(4);
      transfers.write(memory, q.address());
      transfers.write(word, failed.address());
      new CholeskyQr(blas, launch)
          .orthonormalize(q.address(), m, n, gram.address(), failed.address());
      transfers.read(failed.address(), word);
      transfers.read(q.address(), memory);
      List.of(q, gram, failed).forEach(DeviceMemory.Block::release);
    } finally {
      transfers.close();
      blocks.close();
      device.close();
    }
    int status = word.get(ValueLayout.JAVA_INT, 0);
    assertThat(status).isBetween(0, 1);
    double[][] out = new double[m][];
    Arrays.setAll(out, i -> Arrays.copyOfRange(flat, i * n, (i + 1) * n));
    return status == 0 ? out : null;
  }

  /**
   * Random orthonormal columns, times a graded diagonal of a condition, times a random rotation.
   */
  private static double[][] graded(int m, int n, double condition) {
    SplittableRandom random = new SplittableRandom(5);
    double[][] u = Reference.orthogonal(random(m, n, random));
    double[][] v = Reference.orthogonal(random(n, n, random));
    double[][] a = new double[m][n];
    for (int k = 0; k < n; k++) {
      double value = Math.pow(condition, -k / (n - 1.0));
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          a[i][j] += u[i][k] * value * v[j][k];
        }
      }
    }
    return a;
  }

  private static double[][] random(int m, int n, SplittableRandom random) {
    double[][] a = new double[m][n];
    for (double[] row : a) {
      Arrays.setAll(row, j -> random.nextGaussian());
    }
    return a;
  }

  /** Up to some 10⁷ the factors are as good as Householder's; beyond it says that it failed. */
  @ParameterizedTest
  @CsvSource({
    "1, true",
    "1e3, true",
    "1e5, true",
    "1e6, true",
    "1e9, false",
    "1e12, false",
    "1e16, false"
  })
  void itIsRightOrSaysThatItIsNot(double condition, boolean works) {
    for (int[] size : new int[][] {{100, 100}, {300, 40}, {70, 65}}) {
      double[][] a = graded(size[0], size[1], condition);
      double[][] q = orthonormalized(a);
      assertThat(q != null).as("%s", Arrays.toString(size)).isEqualTo(works);
      if (works) {
        assertIsTheQ(q, a, condition);
      }
    }
  }

  /** In between, either. */
  @ParameterizedTest
  @ValueSource(doubles = {3e6, 1e7, 2e7, 4e7, 7e7, 1e8, 2e8, 4e8})
  void nearItsLimitItIsRightOrSaysThatItIsNot(double condition) {
    double[][] a = graded(80, 70, condition);
    double[][] q = orthonormalized(a);
    if (q != null) {
      assertIsTheQ(q, a, condition);
    }
  }

  private static void assertIsTheQ(double[][] q, double[][] a, double condition) {
    assertThat(Reference.orthogonalityError(q)).isLessThan(50 * 0x1p-52);
    double[][] exact = Reference.orthogonal(a);
    double worst = 0;
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < a[0].length; j++) {
        worst = Math.max(worst, Math.abs(q[i][j] - exact[i][j]));
      }
    }
    // the oracle's own error, Gram-Schmidt's, is of the same size
    assertThat(worst).isLessThan(2 * 8 * (1 + condition) * 0x1p-52);
  }

  @Test
  void singularMatricesFail() {
    double[][] zero = new double[9][5];
    assertThat(orthonormalized(zero)).isNull();
    double[][] twice = random(90, 70, new SplittableRandom(1));
    for (double[] row : twice) {
      row[68] = row[3];
    }
    assertThat(orthonormalized(twice)).isNull();
    double[][] column = random(20, 10, new SplittableRandom(1));
    for (double[] row : column) {
      row[0] = 0;
    }
    assertThat(orthonormalized(column)).isNull();
    for (double wrong : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      double[][] a = random(100, 80, new SplittableRandom(1));
      a[50][79] = wrong;
      assertThat(orthonormalized(a)).isNull();
    }
  }
}
