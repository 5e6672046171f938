package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.BackendOptions;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Matrix;
import dev.weft.MemoryLimitException;
import dev.weft.PackedMatrix;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Fill;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.interop.Dlpack;
import dev.weft.interop.ModelManifest;
import dev.weft.interop.ModelWriter;
import dev.weft.interop.NpyFile;
import dev.weft.interop.Progress;
import dev.weft.interop.Receipt;
import dev.weft.interop.TensorFile;
import dev.weft.interop.TensorWriter;
import dev.weft.interop.Verification;
import dev.weft.interop.Verifier;
import dev.weft.interop.WeightsFile;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Labels;
import dev.weft.nn.Loss;
import dev.weft.nn.Mlp;
import dev.weft.nn.Optimizer;
import dev.weft.nn.Write;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32;

/**
 * Rounds of everything that weft does, on two threads that share a backend. What a round computes
 * has the same bits in every round; calls that must fail do.
 */
final class SoakWork implements AutoCloseable {
  private static final RandomKey KEY = RandomKey.of(22);
  private static final int ROWS = 96;
  private static final int COLUMNS = 64;
  private static final String MODEL =
      """
      {"name": "soak", "layout": "torch", "dtype": "f32", "tensors": [
        {"name": "a", "shape": [200, 30], "init": "he_normal"},
        {"name": "b", "shape": [30, 30], "init": "orthogonal"},
        {"name": "c", "shape": [30], "init": "zeros", "dtype": "bf16"}]}
      """;

  /** A round that did not do as it must. */
  static final class WrongException extends RuntimeException {
    private static final long serialVersionUID = 1;

    WrongException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  private final Backend backend;
  private final List<Worker> workers;
  private final AtomicLong operations = new AtomicLong();

  /** Opens what all rounds share; files are written to {@code directory}. */
  SoakWork(Path directory) throws IOException {
    backend = Weft.open("cpu", BackendOptions.DEFAULT.withThreads(2));
    workers =
        List.of(
            new Worker(Files.createDirectory(directory.resolve("0"))),
            new Worker(Files.createDirectory(directory.resolve("1"))));
  }

  long operations() {
    return operations.get();
  }

  /** What the shared backend holds; nothing between two rounds. */
  long heldBytes() {
    return backend.memory().allocatedBytes();
  }

  /**
   * Does everything once on each thread.
   *
   * @throws WrongException if a result differs from the first round's, or a call did not end as it
   *     must
   */
  void round() {
    List<Thread> threads = workers.stream().map(Thread::new).toList();
    threads.forEach(Thread::start);
    try {
      for (Thread thread : threads) {
        thread.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    for (Worker worker : workers) {
      if (worker.failure != null) {
        throw new WrongException(String.valueOf(worker.failure), worker.failure);
      }
    }
  }

  @Override
  public void close() {
    backend.close();
  }

  /** The work of one thread. */
  private final class Worker implements Runnable {
    private final Path directory;
    private final Map<String, Long> sums = new LinkedHashMap<>(); // of the first round
    private Throwable failure;

    Worker(Path directory) {
      this.directory = directory;
    }

    @Override
    public void run() {
      try {
        fills();
        products();
        layers();
        training();
        files();
        shared();
        opened();
        failing();
      } catch (Throwable e) {
        failure = e;
      }
    }

    private void fills() {
      for (String name : InitializerSpec.names()) {
        boolean kernel = name.equals("dirac") || name.equals("delta_orthogonal");
        Shape shape = kernel ? Shape.of(3, 3, 8, 8) : Shape.of(ROWS, COLUMNS);
        for (DType dtype : DType.values()) {
          try (Tensor tensor = backend.tensor(dtype, shape)) {
            tensor.fill(InitializerSpec.parse(name).initializer(Layout.KERAS), KEY);
            same(name + " " + dtype.id(), tensor);
          }
        }
      }
      try (Tensor large = backend.tensor(DType.F32, Shape.of(1 << 20))) { // of mapped pages
        large.fill(Fill.normal(0, 1), KEY);
        same("large", large);
      }
    }

    private void products() {
      try (Tensor a = filled(ROWS, COLUMNS);
          Tensor b = filled(COLUMNS, ROWS);
          Tensor c = backend.tensor(DType.F32, Shape.of(ROWS, ROWS));
          PackedMatrix packed = backend.pack(Matrix.of(b))) {
        backend.gemm(1, Matrix.of(a), Matrix.of(b), 0, Matrix.of(c));
        same("gemm", c);
        backend.gemm(1, Matrix.of(a), packed, 0, Matrix.of(c));
        same("gemm", c);
      }
    }

    private void layers() {
      for (Activation f : List.of(Activation.RELU, Activation.GELU, Activation.TANH)) {
        try (Dense layer = Dense.of(COLUMNS, 32).activation(f).build(backend, KEY);
            Tensor x = filled(ROWS, COLUMNS);
            Tensor y = backend.tensor(DType.F32, Shape.of(ROWS, 32));
            Tensor dy = filled(ROWS, 32);
            Tensor dx = backend.tensor(DType.F32, x.shape());
            Dense.Gradients gradients = layer.gradients()) {
          layer.forward(x, y);
          same("forward " + f, y);
          layer.backward(x, y, dy, dx, gradients, Write.OVERWRITE);
          same("backward " + f, dx);
        }
      }
    }

    private void training() throws IOException {
      for (Optimizer rule : List.of(Optimizer.sgd(0.1), Optimizer.adam(0.01))) {
        try (Mlp mlp =
                Mlp.of(COLUMNS)
                    .dense(32, Activation.RELU)
                    .dense(4, Activation.LINEAR)
                    .loss(Loss.softmaxCrossEntropy())
                    .optimizer(rule)
                    .build(backend, KEY);
            Tensor x = filled(4, COLUMNS)) {
          for (int step = 0; step < 5; step++) {
            mlp.trainStep(x, Labels.of(0, 1, 2, 3));
          }
          Path file = directory.resolve("trained.safetensors");
          WeightsFile.save(file, mlp.parameters(), Map.of());
          for (Tensor weights : mlp.parameters().values()) {
            weights.fill(Fill.constant(0), KEY);
          }
          WeightsFile.load(file, mlp.parameters());
          int layer = 0;
          for (Tensor weights : mlp.parameters().values()) {
            same("trained " + rule + " " + layer++, weights);
          }
        }
      }
    }

    private void files() throws IOException {
      for (String name : List.of("one.npy", "one.safetensors")) {
        Path file = directory.resolve(name);
        Receipt receipt =
            Receipt.of(
                InitializerSpec.parse("truncated_normal"),
                Layout.KERAS,
                DType.F32,
                Region.of(Shape.of(ROWS, COLUMNS)),
                KEY);
        TensorWriter.write(backend, receipt, "a", file, Progress.NONE);
        verify(file);
      }
      List<Path> shards =
          ModelWriter.write(
              backend,
              ModelManifest.parse("soak", MODEL),
              KEY,
              directory.resolve("model.safetensors"),
              20_000,
              Progress.NONE);
      verify(shards.getLast());
    }

    private void verify(Path file) throws IOException {
      try (TensorFile stored = TensorFile.open(file)) {
        for (Verification verdict : Verifier.verify(backend, stored, Progress.NONE)) {
          require(verdict.outcome() == Verification.Outcome.MATCH, file + " " + verdict);
        }
      }
      operations.incrementAndGet();
    }

    private void shared() {
      for (Dlpack.Form form : Dlpack.Form.values()) {
        try (Tensor tensor = filled(ROWS, COLUMNS)) {
          long struct = Dlpack.exportTensor(tensor, form);
          try (Tensor imported = Dlpack.importTensor(backend, struct, form)) {
            same("shared", imported);
          }
        }
      }
    }

    private void opened() {
      for (String name : List.of("cpu", "scalar")) {
        try (Backend own = Weft.open(name, BackendOptions.DEFAULT.withThreads(2));
            Tensor tensor = own.tensor(DType.F32, Shape.of(1 << 16))) {
          tensor.fill(Fill.uniform(0, 1), KEY);
          same("opened", tensor);
        }
      }
    }

    private void failing() throws IOException {
      fails(IllegalArgumentException.class, () -> InitializerSpec.parse("none"));
      fails(IllegalArgumentException.class, () -> Weft.open("none"));
      fails(
          MemoryLimitException.class, () -> backend.tensor(DType.F64, Shape.of(1L << 50)).close());
      Path file = Files.write(directory.resolve("bad.npy"), new byte[] {1, 2, 3});
      fails(IOException.class, () -> NpyFile.open(file).close());
      try (Tensor tensor = filled(ROWS, COLUMNS)) {
        Fill thrower =
            Fill.custom(
                (index, word) -> {
                  throw new IllegalStateException("meant to fail");
                });
        fails(IllegalStateException.class, () -> tensor.fill(thrower, KEY));
        fails(
            IllegalArgumentException.class,
            () -> backend.gemm(1, Matrix.of(tensor), Matrix.of(tensor), 0, Matrix.of(tensor)));
      }
      Tensor closed = filled(ROWS, COLUMNS);
      closed.close();
      fails(ClosedException.class, () -> closed.fill(Fill.constant(0), KEY));
    }

    private Tensor filled(long rows, long columns) {
      Tensor tensor = backend.tensor(DType.F32, Shape.of(rows, columns));
      tensor.fill(Fill.uniform(-1, 1), KEY);
      return tensor;
    }

    /** Throws unless these are the bytes that it had in the first round. */
    private void same(String what, Tensor tensor) {
      CRC32 crc = new CRC32();
      crc.update(tensor.segment().toArray(ValueLayout.JAVA_BYTE));
      Long before = sums.putIfAbsent(what, crc.getValue());
      require(before == null || before == crc.getValue(), what + ": other bytes than before");
      operations.incrementAndGet();
    }

    private void fails(Class<? extends Exception> expected, Call call) {
      try {
        call.run();
      } catch (Exception e) {
        require(expected.isInstance(e), "need " + expected.getSimpleName() + ", got " + e);
        operations.incrementAndGet();
        return;
      }
      throw new WrongException("need " + expected.getSimpleName() + ", got none", null);
    }

    private void require(boolean holds, String message) {
      if (!holds) {
        throw new WrongException(message, null);
      }
    }
  }

  /** A call that may fail. */
  private interface Call {
    void run() throws Exception;
  }
}
