package dev.weft.gpu.kernels;

import dev.weft.BackendInfo;
import dev.weft.BackendOptions;
import dev.weft.BackendUnavailableException;
import dev.weft.DType;
import dev.weft.MemoryInfo;
import dev.weft.Probe;
import dev.weft.Region;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import dev.weft.spi.BackendProvider;
import dev.weft.spi.Buffer;
import dev.weft.spi.Engine;
import dev.weft.spi.fill.Elements;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;

/**
 * A backend for tests, {@value #NAME}: its fills are the CUDA kernels of fill.cu on the host. It
 * has no other operation, and is never chosen by {@code auto}.
 */
public final class HostShimProvider implements BackendProvider {
  static final String NAME = "cuda-kernels-on-host";

  @Override
  public List<BackendInfo> backends() {
    return List.of(new BackendInfo(NAME, -1, probe()));
  }

  private static Probe probe() {
    String missing = HostShim.missing();
    return missing == null
        ? Probe.available("fill.cu compiled by g++")
        : Probe.unavailable(missing, "install g++");
  }

  @Override
  public Engine open(String name, BackendOptions options) {
    if (HostShim.missing() != null) {
      throw new BackendUnavailableException("open: " + name + ": " + HostShim.missing());
    }
    return (Engine)
        Proxy.newProxyInstance(
            Engine.class.getClassLoader(), new Class<?>[] {Engine.class}, HostShimProvider::call);
  }

  private static Object call(Object engine, Method method, Object[] arguments) {
    return switch (method.getName()) {
      case "info" -> new BackendInfo(NAME, -1, probe());
      case "memory" -> new MemoryInfo(0, 0, Long.MAX_VALUE);
      case "allocate" -> new Memory(Arena.ofAuto().allocate((long) arguments[0], 64));
      case "wrap" -> new Memory((MemorySegment) arguments[0]);
      case "fill" -> {
        fill(
            (Fill) arguments[0],
            (RandomKey) arguments[1],
            (DType) arguments[2],
            (Region) arguments[3],
            ((Buffer) arguments[4]).segment());
        yield null;
      }
      case "close" -> null;
      case "toString" -> NAME;
      default -> throw new UnsupportedOperationException(NAME + ": " + method.getName());
    };
  }

  /** Fills memory of the device, here of the host, and copies it out. */
  private static void fill(
      Fill fill, RandomKey key, DType dtype, Region region, MemorySegment out) {
    long bytes = dtype.byteSize(region.shape().elements());
    try (Arena arena = Arena.ofConfined()) {
      if (fill instanceof Fill.Custom custom) {
        MemorySegment words = arena.allocate(4 * region.shape().elements() + 1, 16);
        launch(arena, Fill.bits(), key, DType.F32, region, words);
        for (long i = 0; i < region.shape().elements(); i++) {
          long index = region.runStart(i / region.runLength()) + i % region.runLength();
          double value = custom.function().apply(index, words.getAtIndex(ValueLayout.JAVA_INT, i));
          Elements.put(out, i * dtype.byteSize(), dtype.byteSize(), Elements.bits(dtype, value));
        }
        return;
      }
      MemorySegment device = arena.allocate(bytes + 1, 16).fill((byte) 0xFF);
      launch(arena, fill, key, dtype, region, device);
      MemorySegment.copy(device, 0, out, 0, bytes);
    }
  }

  private static void launch(
      Arena arena, Fill fill, RandomKey key, DType dtype, Region region, MemorySegment out) {
    new FillLaunch(arena)
        .fill(fill, key, dtype, region, out.address(), HostShim.shared().grid(3, 24));
  }

  private record Memory(MemorySegment segment) implements Buffer {
    @Override
    public void close() {}
  }
}
