package dev.weft.bench;

import dev.weft.Backend;
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

/**
 * The libraries of the peer benchmarks. {@code java … dev.weft.bench.PeerLibraries NAME} loads one,
 * lets it multiply, and prints its version and what it says of its kernels, as {@link PeerVersions}
 * reads it.
 */
public final class PeerLibraries {
  /** As parameters write them. */
  static final List<String> NAMES =
      List.of(
          "weft",
          "openblas",
          "mkl",
          "blis",
          "onednn",
          "netlib",
          "pytorch",
          "nd4j",
          "tensorflow",
          "commons-rng",
          "commons-rng-xoshiro",
          "l64x128mix");

  private PeerLibraries() {}

  /** Says what the argument names: one library, for each needs a process of its own. */
  public static void main(String[] args) {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    if (args.length != 1) {
      out.println("peer: need one library, got " + args.length);
      System.exit(2);
    }
    Map<String, String> said = new LinkedHashMap<>();
    try {
      List<String> words = words(args[0]);
      said.put("version", words.get(0));
      said.put("ran", words.get(1));
    } catch (IllegalStateException e) {
      said.put("missing", e.getMessage());
    } catch (RuntimeException | Error e) {
      said.put("missing", PeerBenchmark.unavailable(args[0], e).getMessage());
    }
    out.println("\n" + PeerVersions.MARK + Json.write(said));
    System.exit(0); // some library's threads may wait for work that does not come
  }

  /** A library's version, and its own word for its kernels; empty where it has no function. */
  private static List<String> words(String name) {
    return switch (name) {
      case "weft" -> {
        try (Backend backend = Backends.open("cpu", 1)) {
          yield List.of("weft", PeerVersions.ran(backend));
        }
      }
      case "openblas", "mkl", "blis", "onednn" -> {
        multiply(name);
        Blas blas = Blas.load(name, 1);
        yield List.of(blas.toString().replaceFirst(": .*", ""), blas.ran());
      }
      case "netlib" -> List.of(Netlib.load(1).toString(), "VectorBLAS, by the JVM's compiler");
      case "pytorch" -> {
        multiply(name);
        yield List.of(new Torch(1).toString().replaceFirst(", 1 threads$", ""), "");
      }
      case "nd4j" -> {
        multiply(name);
        yield List.of(
            new Nd4jCpu(1).toString().replaceFirst(", 1 threads$", ""), Blas.openblasUnder(name));
      }
      case "tensorflow" -> {
        multiply(name);
        yield List.of(new TensorFlowCpu(1).toString().replaceFirst(", 1 threads$", ""), "");
      }
      case "commons-rng" -> List.of("Commons RNG " + LoopFill.version(), "PHILOX_4X32");
      case "commons-rng-xoshiro" ->
          List.of("Commons RNG " + LoopFill.version(), "XO_SHI_RO_128_PP");
      case "l64x128mix" -> List.of("JDK " + Runtime.version(), "L64X128MixRandom");
      default -> throw PeerBenchmark.unknown(name);
    };
  }

  /** One product, about which a library speaks that is asked to by a variable. */
  private static void multiply(String library) {
    PeerGemmBenchmark gemm = new PeerGemmBenchmark();
    gemm.mnk = "64x64x64";
    gemm.threads = 1;
    gemm.library = library;
    Contestant contestant = gemm.contestant();
    contestant.check();
    contestant.close();
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
