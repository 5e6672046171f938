package dev.weft.bench;

import ai.djl.pytorch.engine.PtNDArray;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.adapters.ArrowTensors;
import dev.weft.adapters.BufferTensors;
import dev.weft.adapters.DjlTensors;
import dev.weft.adapters.EjmlTensors;
import dev.weft.adapters.Nd4jTensors;
import dev.weft.adapters.OnnxTensors;
import dev.weft.adapters.TensorFlowTensors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.ejml.data.FMatrixRMaj;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Param;
import org.tensorflow.types.TFloat32;

/** Memory of other libraries, through weft's adapters, beside weft's own ({@code native}). */
@Fork(
    value = 3,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "--add-opens=java.base/java.nio=ALL-UNNAMED", // for Arrow
      "-Xss2m", // ONNX Runtime's environment takes almost a megabyte of stack, and ends the JVM
      // without it
      "-Xmx1g"
    })
public class AdapterBenchmark extends HandOverBenchmark {
  /** Whose memory it is. */
  @Param({"native", "buffer", "arrow", "djl", "onnx", "tensorflow", "nd4j", "ejml"})
  public String library;

  @Override
  ForeignMemory open(Backend backend, Shape shape) {
    return switch (library) {
      case "buffer" -> {
        FloatBuffer buffer = bytes(shape).asFloatBuffer();
        yield ForeignMemory.of(library, () -> BufferTensors.wrap(backend, buffer, shape));
      }
      case "arrow" -> {
        BufferAllocator allocator = new RootAllocator();
        ArrowBuf buffer = allocator.buffer(DType.F32.byteSize(shape.elements()));
        yield ForeignMemory.of(
            library,
            () -> ArrowTensors.wrap(backend, buffer, DType.F32, shape),
            () -> {
              buffer.close();
              allocator.close();
            });
      }
      case "djl" -> {
        Torch torch = new Torch(1);
        PtNDArray array = torch.array(new ai.djl.ndarray.types.Shape(shape.dims()));
        yield ForeignMemory.of(library, () -> DjlTensors.wrap(backend, array), torch::close);
      }
      case "onnx" -> {
        OnnxTensor tensor = onnx(shape);
        yield ForeignMemory.of(library, () -> OnnxTensors.wrap(backend, tensor), tensor::close);
      }
      case "tensorflow" -> {
        TFloat32 tensor = TFloat32.tensorOf(org.tensorflow.ndarray.Shape.of(shape.dims()));
        yield ForeignMemory.of(
            library, () -> TensorFlowTensors.wrap(backend, tensor), tensor::close);
      }
      case "nd4j" -> {
        INDArray array = new Nd4jCpu(1).array(DataType.FLOAT, shape.dims());
        yield ForeignMemory.of(library, () -> Nd4jTensors.wrap(backend, array));
      }
      case "ejml" -> {
        FMatrixRMaj matrix =
            new FMatrixRMaj(Math.toIntExact(shape.dim(0)), Math.toIntExact(shape.dim(1)));
        yield ForeignMemory.of(library, () -> EjmlTensors.wrap(backend, matrix));
      }
      default -> ForeignMemory.open(library, backend, shape);
    };
  }

  private static ByteBuffer bytes(Shape shape) {
    return ByteBuffer.allocateDirect(Math.toIntExact(DType.F32.byteSize(shape.elements())))
        .order(ByteOrder.nativeOrder());
  }

  private static OnnxTensor onnx(Shape shape) {
    try {
      return OnnxTensor.createTensor(
          OrtEnvironment.getEnvironment(), bytes(shape), shape.dims(), OnnxJavaType.FLOAT);
    } catch (OrtException e) {
      throw PeerBenchmark.unavailable("onnx", e);
    }
  }
}
