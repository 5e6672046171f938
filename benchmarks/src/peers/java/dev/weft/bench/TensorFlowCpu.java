package dev.weft.bench;

import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.TensorFlow;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.VarHandleOp;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TFloat64;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TType;

/**
 * TensorFlow on the CPU by its Java API: a graph that is built once and run by a session, which is
 * how its guide has what is called again and again, for the runtime then fuses operations and every
 * result is freed when it is closed; eager operations keep theirs until the collector comes.
 * Operands are variables, which stay where they are and are not folded into constants.
 *
 * <p>A process has one pool of threads, as large as the first session asked for.
 */
final class TensorFlowCpu implements AutoCloseable {
  private final Graph graph;
  private final Ops tf;
  private final ConfigProto config;
  private final List<Op> assignments = new ArrayList<>();
  private final List<Placeholder<?>> places = new ArrayList<>();
  private final List<Tensor> values = new ArrayList<>();
  private final String description;
  private Session session;

  /**
   * TensorFlow with this number of threads.
   *
   * @throws IllegalStateException with the reason, if it cannot be loaded
   */
  TensorFlowCpu(int threads) {
    try {
      description =
          "TensorFlow "
              + TensorFlow.version()
              + " by TensorFlow-Java "
              + PeerLibraries.version(TensorFlow.class, "org.tensorflow/tensorflow-core-api")
              + ", "
              + threads
              + " threads";
      graph = new Graph();
      tf = Ops.create(graph);
      config =
          ConfigProto.newBuilder()
              .setIntraOpParallelismThreads(threads)
              .setInterOpParallelismThreads(1)
              .build();
    } catch (Throwable e) {
      throw PeerBenchmark.unavailable("tensorflow", e);
    }
  }

  /** Operations of the graph. */
  Ops tf() {
    return tf;
  }

  /** The handle of an f32 variable that holds these values. */
  VarHandleOp variable(double[] values, long... shape) {
    float[] narrow = new float[values.length];
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = (float) values[i];
    }
    Shape of = Shape.of(shape);
    return variable(TFloat32.class, of, TFloat32.tensorOf(of, DataBuffers.of(narrow)));
  }

  /** The same of f64. */
  VarHandleOp variable64(double[] values, long... shape) {
    Shape of = Shape.of(shape);
    return variable(TFloat64.class, of, TFloat64.tensorOf(of, DataBuffers.of(values)));
  }

  /** The same of i32. */
  VarHandleOp variable(int[] values) {
    Shape of = Shape.of(values.length);
    return variable(TInt32.class, of, TInt32.tensorOf(of, DataBuffers.of(values)));
  }

  private <T extends TType> VarHandleOp variable(Class<T> type, Shape shape, T value) {
    VarHandleOp handle =
        tf.varHandleOp(type, shape, VarHandleOp.sharedName("variable" + values.size()));
    Placeholder<T> place = tf.placeholder(type, Placeholder.shape(shape));
    assignments.add(tf.assignVariableOp(handle, place));
    places.add(place);
    values.add(value);
    return handle;
  }

  /** What an f32 variable holds. */
  Operand<TFloat32> read(VarHandleOp variable) {
    return tf.readVariableOp(variable, TFloat32.class);
  }

  /** The gradients dw, db and dx of a layer, from dz. */
  List<Operand<TFloat32>> dense(Operand<TFloat32> x, Operand<TFloat32> w, Operand<TFloat32> dz) {
    return List.of(
        tf.linalg.matMul(x, dz, MatMul.transposeA(true)),
        tf.nn.biasAddGrad(dz),
        tf.linalg.matMul(dz, w, MatMul.transposeB(true)));
  }

  /** Opens the session and sets the variables; the graph is complete. */
  void start() {
    session = new Session(graph, config);
    Session.Runner runner = session.runner();
    for (int i = 0; i < values.size(); i++) {
      runner.feed(places.get(i), values.get(i)).addTarget(assignments.get(i));
    }
    if (!values.isEmpty()) {
      runner.run().close();
    }
    values.forEach(Tensor::close);
  }

  /** A run of the graph. */
  Session.Runner runner() {
    return session.runner();
  }

  static float[] floats(Tensor tensor) {
    float[] read = new float[Math.toIntExact(tensor.shape().size())];
    tensor.asRawTensor().data().asFloats().read(read);
    return read;
  }

  static double[] read(Tensor tensor) {
    if (tensor instanceof TFloat64) {
      double[] read = new double[Math.toIntExact(tensor.shape().size())];
      tensor.asRawTensor().data().asDoubles().read(read);
      return read;
    }
    return Naive.widened(floats(tensor));
  }

  @Override
  public void close() {
    session.close();
    graph.close();
  }

  @Override
  public String toString() {
    return description;
  }
}
