package dev.weft.bench;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import java.io.IOException;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.NoSuchElementException;

/**
 * PyTorch on the CPU, through DJL. Every operation allocates its result, for DJL has no other; what
 * a call takes away from DJL's own bookkeeping is not left out.
 */
final class Torch implements AutoCloseable {
  static final DataType F32 = DataType.FLOAT32;

  private final PtNDManager manager;
  private final String description;

  /**
   * PyTorch with this number of threads. Nothing is downloaded: the jars have it.
   *
   * @throws IllegalStateException with the reason, if it cannot be loaded
   */
  Torch(int threads) {
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("ai.djl.pytorch.num_threads", Integer.toString(threads));
    System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
    try {
      Engine engine = Engine.getEngine("PyTorch");
      JniUtils.setNumThreads(threads);
      manager = (PtNDManager) engine.newBaseManager(Device.cpu());
      description =
          "PyTorch "
              + engine.getVersion()
              + " by DJL "
              + Engine.getDjlVersion()
              + ", "
              + JniUtils.getNumThreads()
              + " threads";
    } catch (Throwable e) {
      throw PeerBenchmark.unavailable("pytorch", e);
    }
  }

  /** An f32 array of undefined content. */
  PtNDArray array(Shape shape) {
    return manager.create(shape, DataType.FLOAT32);
  }

  /**
   * Operations that fill an array.
   *
   * @throws IllegalStateException with the reason, if they cannot be found
   */
  TorchRandom random() {
    JniUtils.setSeed(42);
    try {
      return new TorchRandom(manager);
    } catch (IOException | NoSuchElementException e) {
      throw PeerBenchmark.unavailable("pytorch", e);
    }
  }

  /** An array of these values in f32. */
  PtNDArray array(double[] values, long... shape) {
    float[] narrow = new float[values.length];
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = (float) values[i];
    }
    return manager.create(FloatBuffer.wrap(narrow), new Shape(shape), DataType.FLOAT32);
  }

  /** The same of f64. */
  PtNDArray array64(double[] values, long... shape) {
    return manager.create(DoubleBuffer.wrap(values), new Shape(shape), DataType.FLOAT64);
  }

  /** Classes as a column. */
  PtNDArray column(int[] classes) {
    long[] wide = new long[classes.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = classes[i];
    }
    return manager.create(LongBuffer.wrap(wide), new Shape(wide.length, 1), DataType.INT64);
  }

  static double[] read(PtNDArray array) {
    return array.getDataType() == DataType.FLOAT64
        ? array.toDoubleArray()
        : Naive.widened(array.toFloatArray());
  }

  @Override
  public void close() {
    manager.close();
  }

  @Override
  public String toString() {
    return description;
  }
}
