package dev.weft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WeftTest {
  private final String before = System.clearProperty(Weft.BACKEND_PROPERTY);

  @AfterEach
  void restore() {
    if (before == null) {
      System.clearProperty(Weft.BACKEND_PROPERTY);
    } else {
      System.setProperty(Weft.BACKEND_PROPERTY, before);
    }
  }

  @Test
  void backendsAreListedBestFirst() {
    assertThat(Weft.backends())
        .extracting(BackendInfo::name)
        .containsExactly("gpu", "flaky", "plain", "spare");
  }

  @Test
  void autoTakesTheBestThatOpensAndSaysWhatItPassedOver() {
    List<String> log =
        TensorTest.logged(
            () -> {
              try (Backend backend = Weft.open("auto")) {
                assertThat(backend.info().name()).isEqualTo("plain");
                assertThat(backend).hasToString("Backend plain (heap)");
              }
            });
    assertThat(log)
        .containsExactly("auto: flaky failed to open, trying the next: open: flaky broke");
  }

  /**
   * Its choice is made before the first byte: another backend has other memory and other limits.
   */
  @Test
  void autoDoesNotChooseAgainWhenMemoryIsFull() {
    try (Backend backend = Weft.open("auto")) {
      assertThatThrownBy(() -> backend.tensor(DType.F32, Shape.of(1L << 50)))
          .isInstanceOf(MemoryLimitException.class)
          .hasMessageContaining("requestedBytes=" + (1L << 52));
      assertThat(backend.info().name()).isEqualTo("plain");
    }
  }

  @Test
  void thePropertyNamesTheDefault() {
    System.setProperty(Weft.BACKEND_PROPERTY, " spare ");
    try (Backend backend = Weft.open()) {
      assertThat(backend.info().name()).isEqualTo("spare");
    }
    assertThat(Weft.explain()).contains("spare: available, chosen, slow");
    System.setProperty(Weft.BACKEND_PROPERTY, "gpu");
    assertThatThrownBy(Weft::open).isInstanceOf(BackendUnavailableException.class);
  }

  @Test
  void aNamedBackendIsThatOneOrAFailure() {
    assertThatThrownBy(() -> Weft.open("gpu"))
        .isInstanceOf(BackendUnavailableException.class)
        .hasMessage("open: gpu is unavailable: no driver; remedy: install one");
    assertThatThrownBy(() -> Weft.open("flaky"))
        .isInstanceOf(BackendUnavailableException.class)
        .hasMessage("open: flaky broke");
    assertThatThrownBy(() -> Weft.open("gpu:7"))
        .isInstanceOf(BackendUnavailableException.class)
        .hasMessageStartingWith("open: need a device that exists, got backend=gpu:7");
    assertThatThrownBy(() -> Weft.open("tpu"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("open: need one of auto, gpu, flaky, plain, spare, got backend=tpu");
    try (Backend backend = Weft.open("spare")) {
      assertThat(backend.info().name()).isEqualTo("spare");
    }
  }

  @Test
  void explainTellsEveryBackend() {
    assertThat(Weft.explain().lines())
        .containsExactly(
            "gpu: unavailable; no driver; remedy: install one",
            "flaky: available, chosen, breaks",
            "plain: available, good; no vectors; remedy: add the module",
            "spare: available, slow");
  }

  @Test
  void optionsHaveRanges() {
    BackendOptions options = BackendOptions.DEFAULT;
    assertThatThrownBy(() -> options.withThreads(-1))
        .hasMessage("open: need 0 <= threads <= 4096, got threads=-1");
    assertThatThrownBy(() -> options.withMemoryLimit(-1))
        .hasMessage("open: need memoryLimit >= 0, got memoryLimit=-1");
    assertThatThrownBy(() -> options.withVectorBits(64))
        .hasMessage("open: need vectorBits 0, 128, 256 or 512, got vectorBits=64");
    Runnable[] ran = new Runnable[1];
    BackendOptions all =
        options
            .withThreads(3)
            .withExecutor(task -> ran[0] = task)
            .withMemoryLimit(5)
            .withVectorBits(256)
            .withPrecision(Precision.TF32);
    assertThat(all)
        .isEqualTo(new BackendOptions(3, all.executor(), 5, 256, Precision.TF32))
        .isNotEqualTo(options);
  }
}
