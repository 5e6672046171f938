package dev.weft.cli;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Work;
import dev.weft.init.Fill;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.interop.Json;
import dev.weft.interop.Receipt;
import dev.weft.interop.TensorStream;
import dev.weft.interop.TensorWriter;
import dev.weft.random.RandomKey;
import dev.weft.random.StreamOrder;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code weft generate}: one tensor to a file or to standard output. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Writes one tensor, or a part of it, to a file or to standard output.",
    footerHeading = "%nInitializers and their keys, with the defaults:%n",
    footer = {
      "  bits, zeros, ones, torch_linear",
      "  constant:value=0                  uniform:minval=-0.05,maxval=0.05",
      "  normal:mean=0,stddev=0.05         truncated_normal:mean=0,stddev=0.05,lower=-2,upper=2",
      "                                    (lower, upper in stddev; or min=…,max=… absolute)",
      "  variance_scaling:scale=1,mode=fan_in,distribution=truncated_normal",
      "                                    (fan_in, fan_out, fan_avg, fan_geo_avg;",
      "                                    truncated_normal, untruncated_normal, uniform)",
      "  glorot_uniform, glorot_normal, lecun_uniform, lecun_normal:semantics=keras,gain=1",
      "  he_uniform, he_normal:semantics=keras,mode=fan_in,negative_slope=0",
      "                                    (semantics: keras truncates the normals, torch does not)",
      "  orthogonal, delta_orthogonal, identity:gain=1",
      "  dirac:groups=1                    sparse:sparsity=0.9,stddev=0.01",
      "",
      "Examples:",
      "  weft generate --init he_normal:semantics=torch --shape 128,784 --layout torch --out w.npy",
      "  weft generate --init orthogonal --shape 512,512 --seed 7 --child rnn --out q.safetensors",
      "  weft generate --init uniform --shape 1000000 --slice 1000:2000 --out - | od -t f4 | head"
    })
final class GenerateCommand implements Callable<Integer> {
  private static final int WRITE_BYTES = 4 << 20;

  private final Streams streams;

  @Option(
      names = "--init",
      required = true,
      paramLabel = "NAME[:key=value,…]",
      description = "the initializer; see below")
  private InitializerSpec init;

  @Option(
      names = "--shape",
      required = true,
      paramLabel = "D0,D1,…",
      description = "the logical shape; fans come from it, also with --slice")
  private Shape shape;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "N",
      description = "64 bits, decimal or 0x…; default 0")
  private Seed seed;

  @Option(
      names = "--child",
      paramLabel = "NAME",
      description = "draw from the child key of this name; also the name in .safetensors")
  private String child;

  @Option(
      names = "--dtype",
      defaultValue = "f32",
      paramLabel = "TYPE",
      description = "f32 (default), f64, f16, bf16")
  private DType dtype;

  @Option(
      names = "--layout",
      defaultValue = "keras",
      paramLabel = "LAYOUT",
      description = "keras (default): (…, in, out); torch: (out, in, …)")
  private Layout layout;

  @Option(
      names = "--order",
      defaultValue = "curand",
      paramLabel = "ORDER",
      description = "of the stream's blocks: curand (default), sequential")
  private StreamOrder order;

  @Option(
      names = "--slice",
      paramLabel = "FROM:TO",
      description = "only these row-major elements, FROM included, TO not")
  private Slice slice;

  @Mixin private BackendOption backend;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE",
      description =
          "FILE.npy, FILE.safetensors, FILE.bin (elements alone), or - (the same to stdout)")
  private String out;

  @Option(names = "--json", description = "describe the file on stdout as JSON")
  private boolean json;

  GenerateCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    Receipt receipt = receipt();
    boolean toStdout = out.equals("-");
    if (toStdout && json) {
      throw UsageException.of("--json", "need a file, for stdout takes the elements", "--out", out);
    }
    if (toStdout && streams.outTerminal().getAsBoolean()) {
      throw UsageException.of(
          "--out",
          "need a pipe or a file for the raw elements, not a terminal; try --out - | od -t f4",
          "--out",
          out);
    }
    Path file = toStdout ? null : Names.output("--out", out, ".npy", ".safetensors", ".bin");
    long begin = System.nanoTime();
    try (Backend opened = open(receipt);
        ProgressBar bar = new ProgressBar(streams, "generate", byteSize(receipt))) {
      OptionalDouble error = OptionalDouble.empty();
      if (toStdout && isWholeMatrix(receipt)) {
        error = printMatrix(opened, receipt);
      } else if (toStdout) {
        TensorStream.of(opened, receipt).writeTo(streams.out(), (tensors, bytes) -> bar.at(bytes));
      } else {
        String name = child == null ? TensorWriter.DEFAULT_NAME : child;
        try {
          TensorWriter.write(opened, receipt, name, file, (tensors, bytes) -> bar.at(bytes));
        } catch (IllegalArgumentException e) {
          throw new UsageException("--out: " + e.getMessage());
        }
        if (isWholeMatrix(receipt)) {
          error = matrixError(opened, receipt, file);
        }
      }
      double seconds = (System.nanoTime() - begin) * 1e-9;
      bar.clear();
      error.ifPresent(
          value -> streams.complain(Units.format("weft generate: max |QᵀQ − I| = %.3g", value)));
      if (json) {
        streams.print(Json.writePretty(facts(opened, receipt, error, seconds)));
      }
    }
    return Exit.OK;
  }

  /** By cost, where the fill's is known. */
  private Backend open(Receipt receipt) {
    return switch (receipt.fill()) {
      case Fill.Orthogonal f -> backend.open();
      case Fill.DeltaOrthogonal f -> backend.open();
      case Fill.Sparse f -> backend.open();
      case Fill.Custom f -> backend.open();
      case Fill fill -> {
        long elements = receipt.region().shape().elements();
        yield backend.open(streams, "weft generate", Work.fill(fill, dtype, elements));
      }
    };
  }

  private Receipt receipt() {
    Region whole = Region.of(shape);
    Region region =
        slice == null
            ? whole
            : UsageException.blame("--slice", () -> whole.slice(slice.from(), slice.to()));
    Receipt root = Receipt.of(init, layout, dtype, region, new RandomKey(seed.value(), order));
    Receipt receipt = child == null ? root : root.child(child);
    UsageException.blame("--init", receipt::fill); // does it suit the shape and type?
    UsageException.blame("--shape", () -> byteSize(receipt));
    return receipt;
  }

  private static long byteSize(Receipt receipt) {
    return receipt.dtype().byteSize(receipt.region().shape().elements());
  }

  /** Whether the result is an orthogonal matrix, not a part of one. */
  private static boolean isWholeMatrix(Receipt receipt) {
    return receipt.fill() instanceof Fill.Orthogonal fill
        && fill.gain() != 0
        && receipt.region().isWhole()
        && receipt.region().logical().elements() > 0;
  }

  private static double matrixError(Tensor tensor, Receipt receipt) {
    Fill.Orthogonal fill = (Fill.Orthogonal) receipt.fill();
    return tensor.orthogonalityError(fill.layout(), fill.gain());
  }

  private OptionalDouble printMatrix(Backend opened, Receipt receipt) throws IOException {
    try (Tensor tensor = opened.tensor(dtype, shape)) {
      tensor.fill(receipt.fill(), receipt.key());
      ByteBuffer part = ByteBuffer.allocateDirect(WRITE_BYTES);
      for (long at = 0; at < tensor.byteSize(); at += WRITE_BYTES) {
        part.clear().limit((int) Math.min(WRITE_BYTES, tensor.byteSize() - at));
        tensor.copyTo(at / dtype.byteSize(), MemorySegment.ofBuffer(part));
        while (part.hasRemaining()) {
          streams.out().write(part);
        }
      }
      return OptionalDouble.of(matrixError(tensor, receipt));
    }
  }

  /** Of the matrix as it stands at the end of the file. */
  private static OptionalDouble matrixError(Backend opened, Receipt receipt, Path file)
      throws IOException {
    long bytes = byteSize(receipt);
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
        Arena arena = Arena.ofShared()) {
      MemorySegment data = channel.map(MapMode.PRIVATE, channel.size() - bytes, bytes, arena);
      try (Tensor tensor = opened.wrap(data, receipt.dtype(), receipt.region().logical())) {
        return OptionalDouble.of(matrixError(tensor, receipt));
      }
    }
  }

  private Map<String, Object> facts(
      Backend opened, Receipt receipt, OptionalDouble error, double seconds) {
    long elements = receipt.region().shape().elements();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("file", out);
    facts.put("init", init.toString());
    facts.put("seed", seed.value());
    facts.put("child", child);
    facts.put("order", order.id());
    facts.put("dtype", dtype.id());
    facts.put("layout", layout.id());
    facts.put("shape", Units.dims(shape));
    facts.put("slice", slice == null ? null : slice.from() + ":" + slice.to());
    facts.put("elements", elements);
    facts.put("bytes", byteSize(receipt));
    facts.putAll(Facts.of(opened));
    facts.put("seconds", seconds);
    facts.put("elements_per_second", elements / seconds);
    error.ifPresent(value -> facts.put("orthogonality_error", value));
    return facts;
  }
}
