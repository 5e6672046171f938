package dev.weft.bench;

import dev.weft.interop.Json;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Supplier;

/**
 * The libraries of the peer benchmarks and their versions: {@code java …
 * dev.weft.bench.PeerLibraries} prints a JSON object.
 */
public final class PeerLibraries {
  /** As parameters write them. */
  static final List<String> NAMES =
      List.of(
          "weft",
          "openblas",
          "mkl",
          "blis",
          "netlib",
          "pytorch",
          "nd4j",
          "tensorflow",
          "commons-rng",
          "commons-rng-xoshiro",
          "l64x128mix");

  private PeerLibraries() {}

  /** Prints the versions of the libraries that the arguments name, of all if there are none. */
  public static void main(String[] args) {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    Map<String, String> versions = versions(args.length == 0 ? NAMES : List.of(args));
    out.println(Json.writePretty(versions));
    System.exit(0); // some library's threads may wait for work that does not come
  }

  /** Each library's version, or the reason why it cannot be loaded. */
  static Map<String, String> versions(List<String> names) {
    Map<String, String> versions = new LinkedHashMap<>();
    for (String name : names) {
      versions.put(name, version(name));
    }
    return versions;
  }

  /** One library's version, or the reason why it cannot be loaded. */
  static String version(String name) {
    Supplier<Object> load =
        switch (name) {
          case "weft" -> () -> Backends.open("cpu", 1);
          case "openblas", "mkl", "blis" -> () -> Blas.load(name, 1);
          case "netlib" -> () -> Netlib.load(1);
          case "pytorch" -> () -> new Torch(1);
          case "nd4j" -> () -> new Nd4jCpu(1);
          case "tensorflow" -> () -> new TensorFlowCpu(1);
          case "commons-rng" -> () -> "Commons RNG " + LoopFill.version() + ", PHILOX_4X32";
          case "commons-rng-xoshiro" ->
              () -> "Commons RNG " + LoopFill.version() + ", XO_SHI_RO_128_PP";
          case "l64x128mix" -> () -> "L64X128MixRandom of JDK " + Runtime.version();
          default -> throw PeerBenchmark.unknown(name);
        };
    try {
      return load.get().toString();
    } catch (IllegalStateException | LinkageError e) {
      return e.getMessage();
    }
  }

  /** The version that the jar of {@code type} was published with, whose manifest has none. */
  static String version(Class<?> type, String artifact) {
    try (InputStream in =
        type.getResourceAsStream("/META-INF/maven/" + artifact + "/pom.properties")) {
      Properties properties = new Properties();
      properties.load(in);
      return properties.getProperty("version");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
