package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Weft;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.testkit.Availability;
import dev.weft.testkit.Programs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** NumPy reads what weft writes, and weft what NumPy writes. */
class NumpyTest {
  /** The first python3 on PATH that has NumPy. */
  private static Path python;

  @TempDir Path directory;

  @BeforeAll
  static void numpyIsThere() {
    StringBuilder reasons = new StringBuilder("no python3 on PATH has NumPy:");
    for (Path each : Programs.onPath("python3")) {
      Programs.Result result = Programs.run(List.of(each.toString(), "-c", "import numpy"));
      if (result.ok()) {
        python = each;
        break;
      }
      reasons.append(' ').append(each).append(": ").append(result.lastLine()).append(';');
    }
    Availability.need("numpy", python != null, reasons::toString);
  }

  @ParameterizedTest
  @CsvSource({
    "normal, F32, '3,5', float32",
    "normal, F64, '7', float64",
    "uniform, F16, '2,1,4', float16",
    "bits, F32, '100', uint32",
    "bits, F64, '100', uint64",
    "bits, F16, '100', uint16",
    "ones, F32, '', float32",
    "zeros, F32, '3,0', float32",
  })
  void numpyReadsTheSameBytes(String init, DType dtype, String shape, String numpyType)
      throws Exception {
    Path file = directory.resolve("a.npy");
    Receipt receipt =
        Receipt.of(
            InitializerSpec.parse(init),
            Layout.KERAS,
            dtype,
            Region.of(Shape.parse(shape)),
            RandomKey.of(3));
    try (Backend backend = Weft.open("cpu")) {
      TensorWriter.write(backend, receipt, "w", file, Progress.NONE);
      TensorWriter.write(backend, receipt, "w", directory.resolve("a.bin"), Progress.NONE);
    }
    python(
        """
        a = np.load(sys.argv[1] + '/a.npy', allow_pickle=False)
        assert a.dtype == np.dtype(sys.argv[2]), a.dtype
        assert a.shape == eval('(' + sys.argv[3] + (',)' if sys.argv[3] else ')')), a.shape
        assert a.flags.c_contiguous
        assert a.tobytes() == open(sys.argv[1] + '/a.bin', 'rb').read()
        """,
        numpyType,
        shape);
  }

  @Test
  void weftReadsWhatNumpyWrites() throws Exception {
    python(
        """
        for t in '?bBhHiIlLefd':
            np.save(f'{sys.argv[1]}/{ord(t)}.npy', np.array([[0, 1, 0], [1, 1, 1]]).astype(t))
        np.save(sys.argv[1] + '/f.npy', np.asfortranarray(np.arange(24, dtype='>i4').reshape(2, 3, 4)))
        np.save(sys.argv[1] + '/c.npy', np.asfortranarray(np.ones((1, 3))))
        np.save(sys.argv[1] + '/big.npy', np.arange(24, dtype='>f8').reshape(2, 3, 4))
        with open(sys.argv[1] + '/three.npy', 'wb') as f:
            np.lib.format.write_array(f, np.arange(24, dtype='<u2').reshape(2, 3, 4), version=(3, 0))
        np.save(sys.argv[1] + '/object.npy', np.array([None, 1]))
        np.save(sys.argv[1] + '/struct.npy', np.zeros(2, [('a', '<f4')]))
        np.save(sys.argv[1] + '/u64.npy', np.array([2**64 - 1, 2**63 + 1025], '<u8'))
        """);
    for (char type : "?bBhHiIlLefd".toCharArray()) {
      try (NpyFile file = NpyFile.open(directory.resolve((int) type + ".npy"))) {
        assertThat(file.tensor().shape()).isEqualTo(Shape.of(2, 3));
        double[] values = new double[7];
        assertThat(file.tensor().read(1, values)).isEqualTo(5);
        assertThat(values).as("type " + type).containsExactly(1, 0, 1, 1, 1, 0, 0);
      }
    }
    try (NpyFile file = NpyFile.open(directory.resolve("u64.npy"))) {
      assertThat(file.tensor().get(0)).isEqualTo(0x1p64);
      assertThat(file.tensor().get(1)).isEqualTo(0x1p63 + 2048);
    }
    NpyFile.open(directory.resolve("c.npy")).close();
    for (String other : List.of("f", "big", "three")) {
      try (NpyFile file = NpyFile.open(directory.resolve(other + ".npy"))) {
        assertThat(file.tensor().shape()).isEqualTo(Shape.of(2, 3, 4));
        for (int i = 0; i < 24; i++) {
          assertThat(file.tensor().get(i)).as(other).isEqualTo(i);
        }
      }
    }
    for (String bad : List.of("object", "struct")) {
      Path file = directory.resolve(bad + ".npy");
      assertThat(Files.exists(file)).isTrue();
      assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> NpyFile.open(file)))
          .isInstanceOf(FormatException.class);
    }
  }

  private void python(String script, String... args) throws Exception {
    List<String> command =
        new java.util.ArrayList<>(
            List.of(
                python.toString(),
                "-c",
                "import sys, numpy as np\n" + script,
                directory.toString()));
    command.addAll(List.of(args));
    Programs.Result result = Programs.run(command);
    assertThat(result.status()).as(result.output()).isZero();
  }
}
