package dev.weft;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.init.Fill;
import dev.weft.init.Initializers;
import dev.weft.init.Layout;
import dev.weft.nn.Activation;
import dev.weft.nn.Dense;
import dev.weft.nn.Labels;
import dev.weft.nn.Mlp;
import dev.weft.nn.Optimizer;
import dev.weft.nn.Write;
import dev.weft.random.RandomKey;
import dev.weft.spi.Engine;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever fails in the middle of an operation, it has ended: what was counted is given back. */
@Timeout(600)
class CountsTest {
  private static final RandomKey KEY = RandomKey.of(1);

  /** What fails. */
  enum Fault {
    MEMORY(() -> new OutOfMemoryError("injected")),
    STACK(StackOverflowError::new),
    STATE(() -> new IllegalStateException("injected")),
    CHECKED(() -> new IOException("injected"));

    private final Supplier<Throwable> maker;

    Fault(Supplier<Throwable> maker) {
      this.maker = maker;
    }
  }

  /** Every operation there is, on an engine whose n-th call fails, for every n. */
  @ParameterizedTest
  @EnumSource
  void everyCallOfTheEngineMayFail(Fault fault) {
    boolean failed = true;
    for (int n = 0; failed; n++) {
      HeapEngine heap = new HeapEngine("heap");
      FailingEngine failing = new FailingEngine(heap, n, fault.maker.get());
      Backend backend = new Backend(failing.engine());
      Throwable thrown = thrown(() -> operations(backend));
      failed = failing.calls > n;
      if (failed) {
        assertThat(thrown).as("call %d, %s", n, failing.last).isNotNull();
        assertThat(root(thrown)).as("call %d, %s", n, failing.last).isSameAs(failing.fault);
      } else {
        assertThat(thrown).as("after %d calls", n).isNull();
        assertThat(n).as("calls of all operations").isGreaterThan(30);
      }
      assertThat(heap.held()).as("call %d, %s: bytes held", n, failing.last).isZero();
      backend.close();
      assertThat(heap.closes).hasValue(1);
    }
  }

  private static Throwable root(Throwable e) {
    return e.getCause() == null ? e : root(e.getCause());
  }

  private static void operations(Backend backend) {
    try (Tensor x = backend.tensor(DType.F32, Shape.of(4, 4));
        Tensor y = backend.tensor(DType.F32, Shape.of(4, 4));
        Tensor z = backend.wrap(new float[16], Shape.of(4, 4))) {
      x.fill(Initializers.glorotUniform(), KEY);
      x.fill(Fill.constant(1), KEY, Region.of(Shape.of(16)));
      x.copyFrom(MemorySegment.ofArray(new float[16]));
      x.copyTo(MemorySegment.ofArray(new float[16]));
      x.orthogonalityError(Layout.KERAS, 1);
      backend.gemm(1, Matrix.of(x), Matrix.of(y), 0, Matrix.of(z));
      try (PackedMatrix packed = backend.pack(Matrix.of(x))) {
        backend.gemm(1, Matrix.of(y), packed, 0, Matrix.of(z));
      }
      Activation.RELU.forward(x, y);
      Activation.RELU.backward(x, y, z);
      x.lend().close();
      backend.synchronize();
    }
    try (Dense layer = Dense.of(4, 3).activation(Activation.TANH).build(backend, KEY);
        Dense.Gradients gradients = layer.gradients();
        Tensor x = backend.wrap(new float[8], Shape.of(2, 4));
        Tensor y = backend.wrap(new float[6], Shape.of(2, 3));
        Tensor dy = backend.wrap(new float[6], Shape.of(2, 3));
        Tensor dx = backend.wrap(new float[8], Shape.of(2, 4))) {
      layer.forward(x, y);
      layer.backward(x, y, dy, dx, gradients, Write.OVERWRITE);
    }
    try (Mlp mlp =
            Mlp.of(4)
                .dense(3, Activation.GELU)
                .dense(2, Activation.SOFTMAX)
                .optimizer(Optimizer.adam(0.1))
                .clipNorm(1)
                .build(backend, KEY);
        Tensor x = backend.wrap(new float[8], Shape.of(2, 4));
        Tensor y = backend.wrap(new float[4], Shape.of(2, 2))) {
      mlp.trainStep(x, Labels.of(0, 1));
      mlp.forward(x, y);
    }
  }

  @Test
  void aFailedReleaseIsRepeatedOnlyIfNothingWasReleased() {
    HeapEngine heap = new HeapEngine("heap");
    try (Backend backend = new Backend(heap)) {
      int[] calls = {0};
      MemorySegment memory = MemorySegment.ofArray(new float[4]);
      Tensor adopted =
          backend.adopt(
              memory,
              DType.F32,
              Shape.of(4),
              () -> {
                calls[0]++;
                throw new IllegalStateException("its own");
              });
      assertThat(thrown(adopted::close)).isInstanceOf(WeftException.class);
      assertThat(thrown(() -> adopted.get(0))).isInstanceOf(ClosedException.class);
      adopted.close();
      assertThat(calls[0]).isEqualTo(1);
    }
  }

  /** From every depth of a full stack: what has begun has ended. */
  @Test
  void aFullStackLeavesNoOperationRunning() throws InterruptedException {
    HeapEngine heap = new HeapEngine("heap");
    Backend backend = new Backend(heap);
    Tensor tensor = backend.tensor(DType.F32, Shape.of(4, 4));
    Matrix matrix = Matrix.of(tensor);
    Matrix out = Matrix.of(backend.wrap(new float[16], Shape.of(4, 4)));
    Lease[] leases = new Lease[100_000];
    int[] lent = {0};
    Runnable operation =
        () -> {
          tensor.fill(Fill.constant(1), KEY);
          Activation.RELU.forward(tensor, tensor);
          leases[lent[0]] = tensor.lend(); // no call may fail in between
          lent[0]++;
          backend.gemm(1, matrix, matrix, 0, out);
        };
    int[] tries = {0};
    Thread deep =
        Thread.ofPlatform()
            .unstarted(
                () -> {
                  for (int i = 0; i < 2; i++) {
                    tries[0] = 0;
                    onTheWayUp(operation, tries);
                  }
                });
    deep.start();
    deep.join();
    assertThat(lent[0]).isGreaterThan(100);
    for (int i = 0; i < lent[0]; i++) {
      leases[i].close();
    }
    tensor.close();
    backend.close();
  }

  private static void onTheWayUp(Runnable action, int[] tries) {
    try {
      onTheWayUp(action, tries);
    } catch (StackOverflowError e) {
      // the deepest there is
    }
    try {
      if (tries[0]++ < 300) {
        action.run();
      }
    } catch (StackOverflowError e) {
      // no room for it
    }
  }

  private static Throwable thrown(Runnable action) {
    try {
      action.run();
      return null;
    } catch (Throwable e) {
      return e;
    }
  }

  /** Passes calls on, but for one. */
  private static final class FailingEngine {
    private final Engine to;
    private final int at;
    private final Throwable fault;
    private int calls;
    private String last = "";

    FailingEngine(Engine to, int at, Throwable fault) {
      this.to = to;
      this.at = at;
      this.fault = fault;
    }

    Engine engine() {
      return (Engine)
          Proxy.newProxyInstance(
              Engine.class.getClassLoader(),
              new Class<?>[] {Engine.class},
              (proxy, method, arguments) -> {
                String name = method.getName();
                if (!name.equals("close") && !name.equals("info")) {
                  int call = calls++;
                  if (call <= at) {
                    last = name;
                  }
                  if (call == at) {
                    throw fault instanceof IOException ? new Undeclared(fault) : fault;
                  }
                }
                try {
                  return method.invoke(to, arguments);
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              });
    }
  }

  /** A proxy declares what it throws. */
  private static final class Undeclared extends RuntimeException {
    private static final long serialVersionUID = 1;

    Undeclared(Throwable cause) {
      super(cause);
    }
  }
}
