package dev.weft.testkit.gpu;

import java.nio.file.Path;

/** Libraries to be found, passed over or refused; skipped with the reason where there is no g++. */
public final class FakeLibraries {
  private FakeLibraries() {}

  /** One that has a function of each of CUDA's. */
  public static Path whole() {
    return HostCompiler.build("libwhole.so", "fake_libraries.cpp");
  }

  /** One of another kind. */
  public static Path another() {
    return HostCompiler.build("libanother.so", "fake_nothing.cpp");
  }
}
