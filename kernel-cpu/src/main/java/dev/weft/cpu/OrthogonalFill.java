package dev.weft.cpu;

import dev.weft.DType;
import dev.weft.MemoryLimitException;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.cpu.dense.DenseKernels;
import dev.weft.cpu.dense.HouseholderQr;
import dev.weft.cpu.dense.Matrix;
import dev.weft.cpu.dense.OrthogonalityError;
import dev.weft.cpu.memory.HostMemory;
import dev.weft.cpu.parallel.Workers;
import dev.weft.init.Fill;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.spi.Buffer;
import dev.weft.spi.fill.DiracPlan;
import dev.weft.spi.fill.StreamFill;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The fills that are one matrix and not elements: {@link Fill.Orthogonal} and {@link
 * Fill.DeltaOrthogonal}.
 *
 * <p>A whole F32 or F64 tensor is its own workspace. A part of one, and the 16-bit types, which are
 * computed in f32, need the whole matrix beside it: the exception to the rule that a fill takes no
 * memory. It is counted against the backend's limit.
 */
final class OrthogonalFill {
  private static final long CHUNK = 64 << 10;

  /** Rows and columns of the normal matrix that are transposed at a time. */
  private static final int TILE_ROWS = 64;

  private static final int TILE_COLUMNS = 256;

  private final FillKernels fills;
  private final DenseKernels<float[]> f32;
  private final DenseKernels<double[]> f64;
  private final HostMemory memory;

  OrthogonalFill(FillKernels fills, HostMemory memory) {
    this.fills = fills;
    this.memory = memory;
    int bits = fills.vectorBits();
    this.f32 = VectorProbe.get().denseF32(bits);
    this.f64 = VectorProbe.get().denseF64(bits);
  }

  /** Writes a region of an orthogonal tensor. */
  void fill(
      Fill.Orthogonal fill,
      RandomKey key,
      DType dtype,
      Region region,
      MemorySegment out,
      Workers workers) {
    if (region.shape().elements() == 0) {
      return;
    }
    long rows = fill.rows(region.logical());
    long columns = fill.columns(region.logical());
    if (region.isWhole() && dtype == computed(dtype)) {
      orthogonal(dtype, rows, columns, key, out, 0, workers);
      scale(dtype, out, 0, rows * columns, fill.gain(), workers);
      return;
    }
    try (Workspace matrix = workspace(dtype, rows, columns)) {
      orthogonal(matrix.dtype, rows, columns, key, matrix.segment, 0, workers);
      pieces(
          region,
          workers,
          (at, first, count) ->
              round(matrix, first, dtype, fill.gain(), out, at * dtype.byteSize(), count));
    }
  }

  /** Writes a region of a tensor that is zero but for the orthogonal matrix at its centre tap. */
  void fill(
      Fill.DeltaOrthogonal fill,
      RandomKey key,
      DType dtype,
      Region region,
      MemorySegment out,
      Workers workers) {
    if (region.shape().elements() == 0) {
      return;
    }
    Shape logical = region.logical();
    boolean torch = fill.layout() == Layout.TORCH;
    long inputs = torch ? logical.dim(1) : logical.dim(-2);
    long outputs = torch ? logical.dim(0) : logical.dim(-1);
    long size = inputs * outputs;
    long taps = logical.elements() / size;
    long centre = DiracPlan.centre(logical, fill.layout(), 1);
    int bytes = dtype.byteSize();
    Pieces zeros = (at, first, count) -> fills.constant(0, bytes, out, at * bytes, count);
    if (region.isWhole() && dtype == computed(dtype) && !torch) {
      pieces(region, workers, zeros);
      orthogonal(dtype, inputs, outputs, key, out, centre * size, workers);
      scale(dtype, out, centre * size, size, fill.gain(), workers);
      return;
    }
    try (Workspace matrix = workspace(dtype, inputs, outputs)) {
      orthogonal(matrix.dtype, inputs, outputs, key, matrix.segment, 0, workers);
      pieces(
          region,
          workers,
          (at, first, count) -> {
            zeros.run(at, first, count);
            long end = first + count;
            if (torch) { // element ((o·inputs + i)·taps + centre) is (i, o) of the matrix
              long tap = (first - centre + taps - 1) / taps;
              for (long e = tap * taps + centre; e < end; e += taps, tap++) {
                long from = tap % inputs * outputs + tap / inputs;
                round(matrix, from, dtype, fill.gain(), out, (at + e - first) * bytes, 1);
              }
            } else {
              long from = Math.max(first, centre * size);
              long to = Math.min(end, (centre + 1) * size);
              if (from < to) {
                long offset = (at + from - first) * bytes;
                round(matrix, from - centre * size, dtype, fill.gain(), out, offset, to - from);
              }
            }
          });
    }
  }

  /** As {@link dev.weft.spi.Engine#orthogonalityError}. */
  double error(
      DType dtype, long rows, long columns, double gain, MemorySegment matrix, Workers workers) {
    if (rows == 0 || columns == 0) {
      return 0;
    }
    return OrthogonalityError.of(f64, workers, dtype, tall(matrix, 0, rows, columns), gain);
  }

  /** The row-major matrix [rows, columns], or its transpose if it has more columns than rows. */
  private static Matrix tall(MemorySegment segment, long origin, long rows, long columns) {
    Matrix matrix = Matrix.rowMajor(segment, origin, rows, columns, columns);
    return rows < columns ? matrix.transposed() : matrix;
  }

  private static DType computed(DType dtype) {
    return dtype == DType.F64 ? DType.F64 : DType.F32;
  }

  /** An orthogonal matrix [rows, columns], by rows, F32 or F64, from element {@code origin} on. */
  private void orthogonal(
      DType dtype,
      long rows,
      long columns,
      RandomKey key,
      MemorySegment out,
      long origin,
      Workers workers) {
    Matrix a = tall(out, origin, rows, columns);
    StreamFill normals = StreamFill.of(new Fill.Normal(0, 1), dtype, key);
    try {
      if (dtype == DType.F32) {
        draw(f32, normals, a, workers);
        HouseholderQr.orthonormalize(f32, workers, a);
      } else {
        draw(f64, normals, a, workers);
        HouseholderQr.orthonormalize(f64, workers, a);
      }
    } catch (OutOfMemoryError e) {
      throw new MemoryLimitException(
          "orthogonal",
          "need Java heap for a panel of " + a.rows() + " rows, raise -Xmx",
          HouseholderQr.heapBytes(dtype, a),
          Runtime.getRuntime().maxMemory());
    }
  }

  /** a(i, j) = normal i·columns + j. */
  private <A> void draw(DenseKernels<A> dense, StreamFill normals, Matrix a, Workers workers) {
    int bytes = normals.dtype().byteSize();
    long elements = a.rows() * a.columns();
    if (a.columnStride() == 1) {
      workers.run(
          (elements + CHUNK - 1) / CHUNK,
          i -> {
            long first = i * CHUNK;
            long count = Math.min(CHUNK, elements - first);
            fills.stream(normals, a.segment(), (a.origin() + first) * bytes, first, count);
          });
      return;
    }
    int width = (int) Math.min(TILE_COLUMNS, a.columns());
    workers.run(
        (a.rows() + TILE_ROWS - 1) / TILE_ROWS,
        i -> {
          A tile = dense.array(TILE_ROWS * width);
          MemorySegment segment = dense.segment(tile);
          long row = i * TILE_ROWS;
          int height = (int) Math.min(TILE_ROWS, a.rows() - row);
          for (long column = 0; column < a.columns(); column += width) {
            int count = (int) Math.min(width, a.columns() - column);
            for (int r = 0; r < height; r++) {
              long first = (row + r) * a.columns() + column;
              fills.stream(normals, segment, (long) r * width * bytes, first, count);
            }
            dense.unpack(tile, 0, width, a.part(row, column, height, count).transposed());
          }
        });
  }

  private void scale(
      DType dtype, MemorySegment x, long origin, long elements, double gain, Workers workers) {
    if (gain == 1) {
      return;
    }
    DenseKernels<?> dense = dtype == DType.F32 ? f32 : f64;
    workers.run(
        (elements + CHUNK - 1) / CHUNK,
        i -> {
          long first = i * CHUNK;
          dense.scale(x, origin + first, Math.min(CHUNK, elements - first), gain);
        });
  }

  /**
   * Elements of the workspace times gain, in the tensor's type: the same bits as {@link #scale}.
   */
  private static void round(
      Workspace from,
      long first,
      DType dtype,
      double gain,
      MemorySegment out,
      long byteOffset,
      long count) {
    if (from.dtype == DType.F64) {
      for (long i = 0; i < count; i++) {
        double q = from.segment.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, (first + i) * 8);
        double value = Math.clamp(gain * q, -Double.MAX_VALUE, Double.MAX_VALUE);
        out.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, byteOffset + i * 8, value);
      }
      return;
    }
    float factor = (float) gain;
    float most = (float) dtype.maxValue();
    int bytes = dtype.byteSize();
    for (long i = 0; i < count; i++) {
      float q = from.segment.get(ValueLayout.JAVA_FLOAT_UNALIGNED, (first + i) * 4);
      float value = Math.clamp(factor * q, -most, most);
      long at = byteOffset + i * bytes;
      switch (dtype) {
        case F16 -> out.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16(value));
        case BF16 -> {
          int bits = Float.floatToRawIntBits(value);
          int rounded = bits + 0x7FFF + (bits >>> 16 & 1);
          out.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) (rounded >>> 16));
        }
        default -> out.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, value);
      }
    }
  }

  /** Cuts a region into runs of elements that are contiguous in the tensor and in the output. */
  private static void pieces(Region region, Workers workers, Pieces body) {
    long elements = region.shape().elements();
    long runLength = region.runLength();
    workers.run(
        (elements + CHUNK - 1) / CHUNK,
        i -> {
          long end = Math.min(elements, (i + 1) * CHUNK);
          for (long at = i * CHUNK; at < end; ) {
            long within = at % runLength;
            long count = Math.min(runLength - within, end - at);
            body.run(at, region.runStart(at / runLength) + within, count);
            at += count;
          }
        });
  }

  private Workspace workspace(DType dtype, long rows, long columns) {
    DType computed = computed(dtype);
    return new Workspace(computed, memory.allocate(computed.byteSize(rows * columns)));
  }

  /** Output elements {@code at …} are logical elements {@code first … first + count - 1}. */
  private interface Pieces {
    void run(long at, long first, long count);
  }

  /** A matrix beside the tensor. */
  private static final class Workspace implements AutoCloseable {
    final DType dtype;
    final MemorySegment segment;
    private final Buffer buffer;

    Workspace(DType dtype, Buffer buffer) {
      this.dtype = dtype;
      this.buffer = buffer;
      this.segment = buffer.segment();
    }

    @Override
    public void close() {
      buffer.close();
    }
  }
}
