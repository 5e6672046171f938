package dev.weft.gpu.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The .cu files through NVIDIA's own compiler, in the profile {@code nvrtc}: they compile without
 * spills, and the committed PTX and the tables in docs/kernels.md are what it gives.
 *
 * <p>{@code -Dweft.ptx=write} writes both instead of comparing them: {@code kernel-gpu/make-ptx}.
 */
@Tag("nvrtc")
class FillPtxTest {
  private static final Path FOLDER = Path.of("src/main/resources/dev/weft/gpu/kernels");
  private static final Path TABLE = Path.of("../docs/kernels.md");
  private static final String TABLE_BEGIN = "<!-- %s.cu: written by kernel-gpu/make-ptx -->%n";
  private static final String TABLE_END = "<!-- end of %s.cu -->%n";
  private static final boolean WRITE = "write".equals(System.getProperty("weft.ptx"));

  /**
   * The ISA of the committed PTX. NVRTC writes its own, 8.8, which a driver older than its toolkit
   * refuses; the instructions in it need 7.0, the first that has sm_80: nvJitLink refuses {@code
   * cvt.rn.f16x2.f32} below and accepts all from there on.
   */
  private static final String ISA = "7.0";

  private static final Map<String, Nvrtc.Compiled> COMPILED = new HashMap<>();

  private static Nvrtc nvrtc;

  @BeforeAll
  static void load(@TempDir Path folder) throws IOException {
    nvrtc = new Nvrtc(folder);
  }

  @AfterAll
  static void unload() {
    if (nvrtc != null) {
      nvrtc.close();
    }
  }

  static Stream<String> sources() throws IOException {
    return FillKernelTest.sources();
  }

  static Stream<Arguments> forAmpereAndHopper() throws IOException {
    return each("sm_80", "sm_90");
  }

  static Stream<Arguments> forEveryGpu() throws IOException {
    return each("sm_80", "sm_90", "sm_100");
  }

  private static Stream<Arguments> each(String... architectures) throws IOException {
    return sources().flatMap(source -> Arrays.stream(architectures).map(a -> arguments(source, a)));
  }

  @ParameterizedTest
  @MethodSource("forAmpereAndHopper")
  void compilesWithoutSpillsAndLocalMemory(String source, String architecture) throws IOException {
    Nvrtc.Compiled cubin = compile(source, architecture);
    List<String> stacks =
        cubin.log().lines().filter(line -> line.contains("bytes stack frame")).toList();
    assertThat(stacks)
        .as(cubin.log())
        .hasSizeGreaterThanOrEqualTo(symbols(source).size())
        .allMatch(line -> line.matches(".*\\b0 bytes stack frame, 0 bytes spill stores.*"));
    assertThat(Cubin.kernels(cubin.code())).containsOnlyKeys(symbols(source));
  }

  @ParameterizedTest
  @MethodSource("sources")
  void theCommittedPtxIsCurrent(String source) throws IOException {
    String ptx = ptx(source, ISA);
    assertThat(ptx).doesNotContain(".local").doesNotContain("call");
    assertThat(ptx.replace("rsqrt.approx.ftz.f32", "")).as("see sqrt_rn").doesNotContain("approx");
    assertThat(Pattern.compile("(fma|mul|add|sub)\\.f(32|64)").matcher(ptx).find())
        .as("an operation without its rounding")
        .isFalse();
    Path committed = FOLDER.resolve(source + ".ptx");
    if (WRITE) {
      Files.writeString(committed, ptx);
    }
    assertThat(Files.readString(committed)).as("run kernel-gpu/make-ptx").isEqualTo(ptx);
  }

  @ParameterizedTest
  @MethodSource("forEveryGpu")
  void theLoweredPtxIsAssembledForEveryGpuSinceSm80(String source, String architecture)
      throws IOException {
    byte[] cubin = nvrtc.assemble(ptx(source, ISA), architecture);
    assertThat(Cubin.kernels(cubin)).containsKeys(symbols(source).toArray(String[]::new));
  }

  @Test
  void noLowerIsaWouldDo() throws IOException {
    String ptx = ptx("fill", "6.5");
    assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> nvrtc.assemble(ptx, "sm_80")))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("nvJitLink");
  }

  @ParameterizedTest
  @MethodSource("sources")
  void theTableOfKernelsIsCurrent(String source) throws IOException {
    Map<String, Cubin.Kernel> ampere = Cubin.kernels(compile(source, "sm_80").code());
    Map<String, Cubin.Kernel> hopper = Cubin.kernels(compile(source, "sm_90").code());
    Map<String, Integer> ampereRegisters = registers(compile(source, "sm_80").log());
    Map<String, Integer> hopperRegisters = registers(compile(source, "sm_90").log());
    String begin = TABLE_BEGIN.formatted(source);
    String end = TABLE_END.formatted(source);
    StringBuilder table = new StringBuilder();
    table.append("| kernel | registers sm_80, sm_90 | instructions sm_80, sm_90 ");
    table.append("| of its main loop, sm_90 | an element |\n|---|---:|---:|---:|---:|\n");
    for (String symbol : symbols(source)) {
      Cubin.Kernel a = ampere.get(symbol);
      Cubin.Kernel h = hopper.get(symbol);
      boolean stream = symbol.matches("weft_(words_)?(bits|uniform|(truncated_)?normal)_.*");
      int groups = Math.max(1, h.blocks() / (bytes(symbol) == 2 ? 2 : 1)); // a turn of the loop
      int elements = stream ? groups * 16 / bytes(symbol) : 0;
      String row =
          String.format(
              Locale.ROOT,
              "| `%s` | %d, %d | %d, %d | %s | %s |%n",
              symbol,
              ampereRegisters.get(symbol),
              hopperRegisters.get(symbol),
              a.instructions(),
              h.instructions(),
              stream ? h.loop() : "",
              stream ? String.format(Locale.ROOT, "%.1f", (double) h.loop() / elements) : "");
      table.append(row);
    }
    String page = Files.readString(TABLE);
    int from = page.indexOf(begin) + begin.length();
    int to = page.indexOf(end);
    assertThat(to).as("the table's place in docs/kernels.md").isGreaterThanOrEqualTo(from);
    if (WRITE) {
      Files.writeString(TABLE, page.substring(0, from) + table + page.substring(to));
      page = Files.readString(TABLE);
      to = page.indexOf(end);
    }
    assertThat(page.substring(from, to))
        .as("run kernel-gpu/make-ptx")
        .hasToString(table.toString());
  }

  /** Registers of a thread by kernel, from the assembler's remarks. */
  private static Map<String, Integer> registers(String log) {
    return Pattern.compile(
            "Compiling entry function '(\\w+)'[^']*'[^']*'[^']*?Used (\\d+) registers")
        .matcher(log)
        .results()
        .collect(Collectors.toMap(hit -> hit.group(1), hit -> Integer.valueOf(hit.group(2))));
  }

  private static Nvrtc.Compiled compile(String source, String architecture) throws IOException {
    String name = source + " " + architecture;
    Nvrtc.Compiled compiled = COMPILED.get(name);
    if (compiled == null) {
      compiled = nvrtc.compile(FOLDER.resolve(source + ".cu"), architecture);
      COMPILED.put(name, compiled);
    }
    return compiled;
  }

  private static int bytes(String symbol) {
    return symbol.endsWith("f64") ? 8 : symbol.endsWith("f32") ? 4 : 2;
  }

  private static List<String> symbols(String source) {
    return FillKernelTest.symbols(source);
  }

  /** The PTX for compute_80 with another version, without comments and hints of newer versions. */
  private static String ptx(String source, String isa) throws IOException {
    String ptx = compile(source, "compute_80").ptx();
    return "// Made of "
        + source
        + ".cu by kernel-gpu/make-ptx, with NVRTC "
        + nvrtc.version()
        + ".\n"
        + FillKernelTest.SOURCES
        + FillKernelTest.sourcesHash()
        + "\n"
        + ptx.lines()
            .filter(line -> !line.startsWith("//") && !line.contains("// .globl"))
            .filter(line -> !line.contains(".pragma \"used_bytes_mask")) // 8.3; for debuggers
            .filter(line -> !line.isBlank())
            .map(line -> line.startsWith(".version ") ? ".version " + isa : line)
            .collect(Collectors.joining("\n", "", "\n"));
  }
}
