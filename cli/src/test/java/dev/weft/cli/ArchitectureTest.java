package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.init.Fill;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Requires.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The structure of the modules, read from their compiled classes and their sources.
 *
 * <p>A class uses another if its constant pool names it, in code or in a descriptor. Every rule
 * that forbids a use is paired with a place where the scanner must find that very use.
 */
class ArchitectureTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
  private static final List<String> MODULES =
      List.of("api", "kernel-cpu", "kernel-gpu", "interop", "compare", "cli", "testkit");

  private static final String CONTRACTS = "dev/weft/testkit/contract/";

  /** Module directory → class name with slashes → its parsed class file. */
  private static final Map<String, Map<String, ClassModel>> CLASSES = new LinkedHashMap<>();

  @BeforeAll
  static void parse() {
    for (String module : MODULES) {
      Path root = ROOT.resolve(module).resolve("target/classes");
      Map<String, ClassModel> classes = new LinkedHashMap<>();
      for (Path file : files(root, ".class")) {
        if (!file.endsWith("module-info.class")) {
          ClassModel model = parse(file);
          classes.put(model.thisClass().asInternalName(), model);
        }
      }
      CLASSES.put(module, classes);
    }
  }

  @Test
  void incubatorIsUsedInOnePackage() {
    assertThat(users(uses("jdk/incubator/vector/")))
        .isNotEmpty()
        .allSatisfy(name -> assertThat(name).startsWith("dev/weft/cpu/vector/"));
  }

  @Test
  void jcudaIsUsedInThreePackages() {
    assertThat(users(uses("jcuda/")))
        .allSatisfy(name -> assertThat(name).matches("dev/weft/gpu/(cuda|blas|rand)/[^/]*"));
  }

  /** A runtime may lack it. */
  @Test
  void flightRecorderIsNamedInOnePlace() {
    assertThat(users(uses("jdk/jfr/")))
        .filteredOn(name -> !name.startsWith(CONTRACTS))
        .isNotEmpty()
        .allSatisfy(name -> assertThat(name).matches("dev/weft/internal/(Flight)?Events(\\$.*)?"));
  }

  @Test
  void standardOutputBelongsToTheCommandLine() {
    assertThat(users(ArchitectureTest::writesStandardOutput))
        .isNotEmpty()
        .allSatisfy(name -> assertThat(name).startsWith("dev/weft/cli/"));
  }

  /** Where digits are not 0 to 9, or i has a dot, a file, a name and a table must be the same. */
  @Test
  void noTextDependsOnTheLocale() {
    Set<String> hexadecimal = // which has the same digits everywhere
        Set.of("dev/weft/CalibrationFile", "dev/weft/compare/FillAgreement");
    assertThat(users(ArchitectureTest::usesTheLocale))
        .contains("dev/weft/testkit/contract/FillContract") // in a message: the scanner sees it
        .filteredOn(name -> !name.startsWith("dev/weft/testkit/") && !hexadecimal.contains(name))
        .isEmpty();
  }

  private static boolean usesTheLocale(ClassModel model) {
    for (PoolEntry entry : model.constantPool()) {
      if (entry instanceof MemberRefEntry member) {
        String name = member.owner().asInternalName() + "." + member.name().stringValue();
        String type = member.type().stringValue();
        boolean says = type.startsWith("(Ljava/util/Locale;");
        if (name.matches("java/lang/String\\.(format|formatted|toLowerCase|toUpperCase)") && !says
            || name.matches("java/io/Print(Stream|Writer)\\.(printf|format)") && !says) {
          return true;
        }
      }
    }
    return false;
  }

  /** A module's classes use no package of weft but its own and those that the arrows allow. */
  @ParameterizedTest
  @CsvSource({
    "api,        'internal|init|random|nn|spi'",
    "kernel-cpu, 'internal|init|random|nn|spi|cpu'",
    "kernel-gpu, 'internal|init|random|nn|spi|gpu'",
    "interop,    'internal|init|random|nn|interop'",
    "compare,    'init|random|nn|interop|compare'",
    "cli,        'internal|init|random|nn|interop|compare|cli'",
    "testkit,    'internal|init|random|nn|spi|testkit'"
  })
  void arrowsPointToTheApi(String module, String packages) {
    Pattern allowed = Pattern.compile("dev/weft/(?:(?:" + packages + ")(?:/[^;]*)?/)?[^/]*");
    assertThat(CLASSES.get(module))
        .isNotEmpty()
        .allSatisfy(
            (name, model) ->
                assertThat(namedTypes(model))
                    .as(name)
                    .filteredOn(type -> type.startsWith("dev/weft/"))
                    .allSatisfy(type -> assertThat(type).matches(allowed)));
  }

  @Test
  void arrowScannerSeesUses() {
    assertThat(CLASSES.get("interop").values().stream().flatMap(m -> namedTypes(m).stream()))
        .contains("dev/weft/Tensor");
  }

  @ParameterizedTest
  @ValueSource(strings = {"kernel-cpu", "kernel-gpu"})
  void kernelModulesExportNothing(String module) {
    ModuleDescriptor descriptor = descriptor(module);
    assertThat(descriptor.exports()).isEmpty();
    assertThat(descriptor.opens()).isEmpty();
    assertThat(descriptor.isOpen()).isFalse();
  }

  @Test
  void apiNeedsNoVendorAndNoIncubator() {
    assertThat(descriptor("api").requires())
        .filteredOn(requires -> !requires.modifiers().contains(Modifier.STATIC))
        .isNotEmpty()
        .extracting(ModuleDescriptor.Requires::name)
        .allSatisfy(name -> assertThat(name).startsWith("java."));
  }

  /** On the module path {@code provides} counts, on the class path META-INF/services. */
  @ParameterizedTest
  @ValueSource(strings = {"api", "kernel-cpu", "kernel-gpu", "interop", "compare", "cli"})
  void providersAreTheSameOnBothPaths(String module) throws IOException {
    Map<String, Set<String>> provides = new LinkedHashMap<>();
    for (ModuleDescriptor.Provides each : descriptor(module).provides()) {
      provides.put(each.service(), new TreeSet<>(each.providers()));
    }
    Map<String, Set<String>> services = new LinkedHashMap<>();
    Path directory = ROOT.resolve(module).resolve("target/classes/META-INF/services");
    for (Path file : Files.isDirectory(directory) ? files(directory, "") : List.<Path>of()) {
      Set<String> names = new TreeSet<>();
      for (String line : Files.readAllLines(file)) {
        String name = line.replaceFirst("#.*", "").strip();
        if (!name.isEmpty()) {
          names.add(name);
        }
      }
      services.put(file.getFileName().toString(), names);
    }
    assertThat(services).isEqualTo(provides);
    if (module.startsWith("kernel-")) {
      assertThat(provides).containsKey("dev.weft.spi.BackendProvider");
    }
    assertThat(provides.values())
        .allSatisfy(
            names ->
                assertThat(names)
                    .allSatisfy(
                        name ->
                            assertThat(CLASSES.get(module)).containsKey(name.replace('.', '/'))));
  }

  @Test
  void everyFillIsNamedInAContract() {
    List<String> named =
        CLASSES.get("testkit").entrySet().stream()
            .filter(entry -> entry.getKey().startsWith(CONTRACTS))
            .flatMap(entry -> members(entry.getValue()))
            .toList();
    for (Class<?> fill : Fill.class.getPermittedSubclasses()) {
      String name = fill.getSimpleName();
      String factory =
          "dev/weft/init/Fill." + Character.toLowerCase(name.charAt(0)) + name.substring(1);
      assertThat(named).as(name).anyMatch(member -> member.startsWith(factory));
    }
  }

  /** The scalar technique and each vector width pass the same contracts; the CPU passes all. */
  @Test
  void everyTechniquePassesEveryContract() {
    Map<String, Set<String>> contractsOf = new LinkedHashMap<>();
    for (Path file : files(ROOT.resolve("kernel-cpu/target/test-classes"), ".class")) {
      ClassModel model = parse(file);
      String parent = model.superclass().map(ClassEntry::asInternalName).orElse("");
      if (parent.startsWith(CONTRACTS)) {
        String test =
            model.thisClass().asInternalName().replaceFirst("^.*/", "").replaceFirst("\\$.*", "");
        contractsOf.computeIfAbsent(test, any -> new TreeSet<>()).add(parent);
      }
    }
    Set<String> scalar = contractsOf.get("CpuScalarTest");
    assertThat(scalar).isNotEmpty();
    for (int bits : new int[] {128, 256, 512}) {
      assertThat(contractsOf).containsEntry("CpuVector" + bits + "Test", scalar);
    }
    Set<String> all = new TreeSet<>();
    CLASSES
        .get("testkit")
        .forEach(
            (name, model) -> {
              if (name.startsWith(CONTRACTS)
                  && name.endsWith("Contract")
                  && !name.endsWith("/BackendContract")) {
                all.add(name);
              }
            });
    assertThat(contractsOf.values().stream().flatMap(Set::stream)).containsAll(all);
  }

  @Test
  void sourcesHoldNoStubsAndNoSwitchedOffTests() {
    Pattern stub =
        Pattern.compile(
            String.join(
                "|",
                "\\bTO" + "DO\\b",
                "\\bFIX" + "ME\\b",
                "\\bXX" + "X\\b",
                "(?i)not (yet )?impl" + "emented",
                "@Dis" + "abled\\b"));
    assertThat("// TO" + "DO later").containsPattern(stub);
    List<String> found = new ArrayList<>();
    for (Path file : sources()) {
      String text = read(file);
      stub.matcher(text).results().forEach(hit -> found.add(file + ": " + hit.group()));
    }
    assertThat(found).isEmpty();
  }

  @Test
  void namesAreNounsOfTheField() {
    Pattern vague = Pattern.compile(".*(Manager|Helper|Utils?|Impl)");
    assertThat("TensorManager").matches(vague);
    for (Path file : sources()) {
      assertThat(file.getFileName().toString().replace(".java", "")).doesNotMatch(vague);
    }
  }

  @Test
  void publicPackagesAreDescribed() {
    for (String module : List.of("api", "interop")) {
      for (ModuleDescriptor.Exports each : descriptor(module).exports()) {
        Path info =
            ROOT.resolve(module)
                .resolve("src/main/java")
                .resolve(each.source().replace('.', '/'))
                .resolve("package-info.java");
        assertThat(info).exists();
        assertThat(read(info)).startsWith("/**");
      }
    }
  }

  private static List<String> users(Predicate<ClassModel> uses) {
    return CLASSES.values().stream()
        .flatMap(classes -> classes.entrySet().stream())
        .filter(entry -> uses.test(entry.getValue()))
        .map(Map.Entry::getKey)
        .toList();
  }

  private static Predicate<ClassModel> uses(String prefix) {
    return model -> namedTypes(model).stream().anyMatch(type -> type.startsWith(prefix));
  }

  /** Every class that the constant pool of {@code model} names, with slashes. */
  private static Set<String> namedTypes(ClassModel model) {
    Set<String> types = new TreeSet<>();
    for (PoolEntry entry : model.constantPool()) {
      if (entry instanceof ClassEntry type) {
        types.add(type.asInternalName().replaceFirst("^\\[+L?", "").replace(";", ""));
      } else if (entry instanceof Utf8Entry text) {
        DESCRIPTOR_TYPE
            .matcher(text.stringValue())
            .results()
            .forEach(hit -> types.add(hit.group(1)));
      }
    }
    return types;
  }

  /** A class type inside a field or method descriptor. */
  private static final Pattern DESCRIPTOR_TYPE =
      Pattern.compile("(?<=^|[(\\[;)VZBCSIJFD])L((?:[\\w$]+/)+[\\w$]+);");

  /** Reads {@code System.out}, or {@code FileDescriptor.out} under it. */
  private static boolean writesStandardOutput(ClassModel model) {
    return members(model)
        .anyMatch(
            member ->
                member.equals("java/lang/System.out")
                    || member.equals("java/io/FileDescriptor.out"));
  }

  /** Every field and method that the constant pool of {@code model} names: owner.name. */
  private static Stream<String> members(ClassModel model) {
    List<String> members = new ArrayList<>();
    for (PoolEntry entry : model.constantPool()) {
      if (entry instanceof MemberRefEntry member) {
        members.add(member.owner().asInternalName() + "." + member.name().stringValue());
      }
    }
    return members.stream();
  }

  private static ModuleDescriptor descriptor(String module) {
    Path file = ROOT.resolve(module).resolve("target/classes/module-info.class");
    try (InputStream in = Files.newInputStream(file)) {
      return ModuleDescriptor.read(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ClassModel parse(Path file) {
    try {
      return ClassFile.of().parse(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Path> sources() {
    List<Path> sources = new ArrayList<>();
    for (String module : MODULES) {
      sources.addAll(files(ROOT.resolve(module).resolve("src"), ".java"));
    }
    sources.addAll(files(ROOT.resolve("benchmarks/src"), ".java"));
    return sources;
  }

  private static List<Path> files(Path root, String suffix) {
    try (Stream<Path> files = Files.walk(root)) {
      return files
          .filter(file -> Files.isRegularFile(file) && file.toString().endsWith(suffix))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
