package dev.weft.bench;

import dev.weft.compare.Tasks;
import dev.weft.interop.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Versions of the other libraries, asked in a JVM of their own: their threads wait by spinning, and
 * this build need not have them.
 */
final class PeerVersions {
  private static final String MAIN = "dev.weft.bench.PeerLibraries"; // of the profile peers

  private PeerVersions() {}

  /** Whether this build has the other libraries. */
  static boolean known() {
    return PeerVersions.class.getResource("PeerLibraries.class") != null;
  }

  /** Versions by name, of those that can be loaded; of the others their cases say why not. */
  static Map<String, String> ask() throws IOException {
    Process process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElse("java"),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                MAIN)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String json = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    Map<String, String> versions = new LinkedHashMap<>();
    ((Map<?, ?>) Json.parse(MAIN, json))
        .forEach(
            (id, version) -> {
              if (!version.toString().startsWith("peer: ")) {
                versions.put(Tasks.library(id.toString()), version.toString());
              }
            });
    return versions;
  }
}
