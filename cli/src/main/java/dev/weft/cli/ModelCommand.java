package dev.weft.cli;

import dev.weft.Backend;
import dev.weft.interop.Json;
import dev.weft.interop.ModelManifest;
import dev.weft.interop.ModelWriter;
import dev.weft.random.RandomKey;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weft model}: every tensor of a model, into one file or into shards. */
@Command(
    name = "model",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Writes all tensors of a model as .safetensors, each from a key of its own.",
    footer = {
      "",
      "A tensor's bytes depend on the seed and its entry in the manifest alone, not on the shards.",
      "The format of a manifest is in docs/manifest.md."
    })
final class ModelCommand implements Callable<Integer> {
  private final Streams streams;

  @Parameters(paramLabel = "MANIFEST.json", description = "names, shapes and initializers")
  private String manifest;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE.safetensors",
      description = "with more than one shard, FILE-00001-of-0000N.safetensors … and an index")
  private String out;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "N",
      description = "64 bits, decimal or 0x…; default 0")
  private Seed seed;

  @Option(
      names = "--shard-bytes",
      paramLabel = "N",
      description =
          "at most so many bytes of data in a file; a larger tensor has a file of its own")
  private Long shardBytes;

  @Mixin private BackendOption backend;

  @Option(names = "--json", description = "describe what was written on stdout as JSON")
  private boolean json;

  ModelCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    Path source = Names.input("MANIFEST.json", manifest);
    Path file = Names.output("--out", out, ".safetensors");
    if (shardBytes != null && shardBytes < 1) {
      throw UsageException.of("--shard-bytes", "need at least 1", "value", shardBytes);
    }
    ModelManifest model = ModelManifest.read(source);
    long begin = System.nanoTime();
    try (Backend opened = backend.open();
        ProgressBar bar = new ProgressBar(streams, model.name(), model.byteSize())) {
      RandomKey root = RandomKey.of(seed.value());
      long most = shardBytes == null ? Long.MAX_VALUE : shardBytes;
      List<Path> files;
      try {
        files =
            ModelWriter.write(opened, model, root, file, most, (tensors, bytes) -> bar.at(bytes));
      } catch (IllegalArgumentException e) {
        throw new UsageException("MANIFEST.json: " + e.getMessage());
      }
      double seconds = (System.nanoTime() - begin) * 1e-9;
      bar.clear();
      if (json) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("model", model.name());
        facts.put("seed", seed.value());
        facts.put("tensors", model.tensors().size());
        facts.put("parameters", model.parameters());
        facts.put("bytes", model.byteSize());
        facts.put("files", files.stream().map(Path::toString).toList());
        facts.putAll(Facts.of(opened));
        facts.put("seconds", seconds);
        streams.print(Json.writePretty(facts));
      } else {
        files.forEach(written -> streams.print(Printable.line(written.toString()) + "\n"));
      }
    }
    return Exit.OK;
  }
}
