package dev.weft.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.Backend;
import dev.weft.MemoryLimitException;
import dev.weft.internal.Access;
import dev.weft.spi.Engine;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A backend that works as another one does until its n-th call of the engine, which throws: for
 * tests of what a failure leaves behind. Every allocation of tensors and packed matrices is such a
 * call, and so is every operation.
 */
public final class FaultyBackend implements AutoCloseable {
  /** What an operation may do in any number: it allocates nothing and begins nothing. */
  private static final Set<String> UNCOUNTED =
      Set.of("info", "memory", "deviceOrdinal", "close", "toString", "hashCode", "equals");

  private final Backend real;
  private final Engine engine;
  private final Backend backend;
  private long calls;
  private long failing;
  private Supplier<Throwable> fault;

  private FaultyBackend(Backend real) {
    this.real = real;
    this.engine = Access.get().engine(real);
    this.backend =
        over(
            (Engine)
                Proxy.newProxyInstance(
                    Engine.class.getClassLoader(),
                    new Class<?>[] {Engine.class},
                    (proxy, method, arguments) -> call(method, arguments)));
  }

  /** One over {@code real}, which is closed with it. */
  public static FaultyBackend over(Backend real) {
    return new FaultyBackend(real);
  }

  /** What is tested; to be used by one thread, and not closed. */
  public Backend backend() {
    return backend;
  }

  /** Calls of the engine so far. */
  public long calls() {
    return calls;
  }

  /** Lets the {@code n}-th call from now on throw; 0 for none. */
  public void failAt(long n, Supplier<Throwable> thrown) {
    failing = n == 0 ? 0 : calls + n;
    fault = thrown;
  }

  /** What the system throws where it has no memory. */
  public static Throwable outOfMemory() {
    return new OutOfMemoryError("planted");
  }

  /** What a backend throws where its limit is reached. */
  public static Throwable overLimit() {
    return new MemoryLimitException("allocate", "planted", 1, 0);
  }

  /** Work that closes what it opens. */
  @FunctionalInterface
  public interface Operation {
    /** Does the work. */
    void run(Backend backend) throws Exception;
  }

  /**
   * Fails each call of {@code operation} in turn, by an Error and by an exception, and requires
   * after each: the planted one is what came out, alone; as much memory is held as before; the
   * operation works.
   */
  public void requireNothingLeft(Operation operation) throws Exception {
    failAt(0, null);
    long before = backend.memory().allocatedBytes();
    long first = calls;
    operation.run(backend);
    long count = calls - first;
    assertThat(count).as("calls that can fail").isPositive();
    for (Supplier<Throwable> each :
        List.<Supplier<Throwable>>of(FaultyBackend::outOfMemory, FaultyBackend::overLimit)) {
      for (long n = 1; n <= count; n++) {
        failAt(n, each);
        Throwable thrown = thrownBy(operation);
        String where = "call " + n + " of " + count;
        assertThat(thrown).as(where).isNotNull().isInstanceOf(each.get().getClass());
        assertThat(thrown).as(where).hasMessageContaining("planted");
        assertThat(thrown.getSuppressed()).as(where).isEmpty();
        assertThat(backend.memory().allocatedBytes()).as(where).isEqualTo(before);
        failAt(0, null);
        operation.run(backend);
        assertThat(backend.memory().allocatedBytes()).as(where).isEqualTo(before);
      }
    }
  }

  private Throwable thrownBy(Operation operation) {
    try {
      operation.run(backend);
      return null;
    } catch (Throwable e) {
      return e;
    }
  }

  /** Closes both; a running operation or a lease that was left behind shows here. */
  @Override
  public void close() {
    failAt(0, null);
    try {
      backend.close();
    } finally {
      real.close();
    }
  }

  private Object call(Method method, Object[] arguments) throws Throwable {
    if (method.getName().equals("close")) {
      return null; // the real backend closes it
    }
    if (!UNCOUNTED.contains(method.getName()) && ++calls == failing) {
      throw fault.get();
    }
    try {
      return method.invoke(engine, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  /** A backend of this engine, which nobody else may make. */
  private static Backend over(Engine engine) {
    try {
      Constructor<Backend> constructor = Backend.class.getDeclaredConstructor(Engine.class);
      constructor.setAccessible(true);
      return constructor.newInstance(engine);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }
}
