package dev.weft.cli;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Region;
import dev.weft.Shape;
import dev.weft.init.Fill;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.random.StreamOrder;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code weft generate}: one tensor to a file or to standard output. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description = "Writes one tensor, or a part of it, to a file or to standard output.")
final class GenerateCommand implements Callable<Integer> {
  private final Streams streams;

  @Option(names = "--init", required = true, paramLabel = "NAME[:key=value,…]")
  private InitializerSpec init;

  @Option(names = "--shape", required = true, paramLabel = "D0,D1,…", description = "logical shape")
  private Shape shape;

  @Option(names = "--seed", defaultValue = "0", paramLabel = "N")
  private Seed seed;

  @Option(names = "--child", paramLabel = "NAME")
  private String child;

  @Option(names = "--dtype", defaultValue = "f32", paramLabel = "TYPE")
  private DType dtype;

  @Option(names = "--layout", defaultValue = "keras", paramLabel = "LAYOUT")
  private Layout layout;

  @Option(names = "--order", defaultValue = "curand", paramLabel = "ORDER")
  private StreamOrder order;

  @Option(names = "--slice", paramLabel = "FROM:TO")
  private Slice slice;

  @Mixin private BackendOption backend;

  @Option(names = "--out", required = true, paramLabel = "FILE")
  private String out;

  GenerateCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() {
    Fill fill =
        UsageException.blame(
            "--init",
            () -> {
              Fill planned = init.initializer(layout).plan(shape);
              planned.check(shape, dtype);
              return planned;
            });
    Slice part = slice == null ? new Slice(0, shape.elements()) : slice;
    UsageException.blame("--slice", () -> Region.of(shape).slice(part.from(), part.to()));
    RandomKey root = new RandomKey(seed.value(), order);
    RandomKey key = child == null ? root : root.child(child);
    Generation generation = new Generation(fill, key, dtype, shape, part.from(), part.to());
    try (Backend opened = backend.open();
        Progress progress = new Progress(streams, "generate", generation.byteSize())) {
      generation.stream(opened, streams, progress::at);
    }
    return Exit.OK;
  }
}
