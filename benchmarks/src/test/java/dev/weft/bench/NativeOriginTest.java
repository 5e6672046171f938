package dev.weft.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Linker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** No library is measured under the name of another. */
class NativeOriginTest {
  private static final List<String> BOTH =
      List.of(
          "55d0-55e0 r--p 00000000 fe:00 1 /usr/bin/java",
          "7f00-7f10 r-xp 00000000 fe:00 2 /tmp/a b/libblis.so.4.0.0",
          "7f10-7f20 r-xp 00000000 fe:00 3 /cache/libmkl_rt.so.2",
          "7f20-7f30 rw-p 00000000 00:00 0 ",
          "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]");

  @Test
  void anAddressLiesInAFile() {
    NativeOrigin origin = new NativeOrigin(BOTH);

    assertThat(origin.file(0x7f00)).contains(Path.of("/tmp/a b/libblis.so.4.0.0"));
    assertThat(origin.file(0x7f0f)).contains(Path.of("/tmp/a b/libblis.so.4.0.0"));
    assertThat(origin.file(0x7f10)).contains(Path.of("/cache/libmkl_rt.so.2"));
    assertThat(origin.file(0x7f25)).isEmpty(); // of no file
    assertThat(origin.file(0x8000)).isEmpty();
    assertThat(origin.file(0xffffffffff600001L)).isEmpty();
  }

  @Test
  void theAnswerOfAnotherLibraryIsRefused() {
    NativeOrigin both = new NativeOrigin(BOTH);

    assertThatThrownBy(() -> both.requireOwn("blis", "cblas_sgemm", 0x7f10, "libblis"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "peer: need a function of the library itself, got library=blis, function=cblas_sgemm,"
                + " file=libmkl_rt.so.2");
    assertThatThrownBy(() -> both.requireOwn("blis", "bli_sgemm", 0x7f00, "libblis"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "peer: need a process without another BLAS, got library=blis,"
                + " others={mkl=[libmkl_rt.so.2]}");
    NativeOrigin alone = new NativeOrigin(BOTH.subList(0, 2));
    assertThatCode(() -> alone.requireOwn("blis", "bli_sgemm", 0x7f00, "libblis"))
        .doesNotThrowAnyException();
  }

  @Test
  void thisProcessIsRead() {
    assumeTrue(Files.exists(Path.of("/proc/self/maps")), "no /proc/self/maps: not Linux");
    long malloc = Linker.nativeLinker().defaultLookup().findOrThrow("malloc").address();

    NativeOrigin here = NativeOrigin.here();

    assertThat(here.file(malloc)).isPresent();
    assertThat(here.file(0)).isEmpty();
    assertThat(here.libraries()).isEmpty();
  }
}
