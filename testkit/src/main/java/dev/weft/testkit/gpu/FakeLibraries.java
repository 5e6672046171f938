package dev.weft.testkit.gpu;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Libraries to be found, passed over or refused; skipped with the reason where there is no g++. */
public final class FakeLibraries {
  private FakeLibraries() {}

  /** One that has a function of each of CUDA's. */
  public static Path whole() {
    return build("libwhole.so", "fake_libraries.cpp");
  }

  /** One of another kind. */
  public static Path another() {
    return build("libanother.so", "fake_nothing.cpp");
  }

  private static Path build(String name, String source) {
    try {
      return HostCompiler.build(name, source);
    } catch (IOException e) {
      return Assumptions.abort("g++ does not start: " + e.getMessage());
    }
  }
}
