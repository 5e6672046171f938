package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.testkit.Availability;
import dev.weft.testkit.Programs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The launcher's search for a JDK, and what it takes from a build. */
@EnabledOnOs({OS.LINUX, OS.MAC}) // it is a bash script
class LauncherTest {
  private static final Path LAUNCHER = Path.of("").toAbsolutePath().resolveSibling("weft");
  private static final Map<String, String> THIS_JDK =
      Map.of("WEFT_JAVA_HOME", System.getProperty("java.home"));

  @TempDir Path directory;

  @BeforeAll
  static void scriptsRun() {
    Programs.Result bash = Programs.run(List.of("bash", "-c", "exit 0"));
    Availability.need("bash", bash.ok(), () -> "no bash: " + bash.output());
    Programs.needExecutableFiles(); // scripts stand in for Maven and the JDK
  }

  @Test
  void usesTheJdkThatIsNamed() throws Exception {
    Result result = run(LAUNCHER, THIS_JDK);
    assertThat(result.err).isEmpty();
    assertThat(result.out).isEqualToIgnoringNewLines(System.getProperty("java.home"));
    assertThat(result.exit).isZero();
  }

  @Test
  void runsThroughSymbolicLinksFromAnyDirectory() throws Exception {
    Path link = directory.resolve("a link");
    Files.createSymbolicLink(link, LAUNCHER);
    Path second = directory.resolve("second");
    Files.createSymbolicLink(second, Path.of("a link"));
    assertThat(run(second, THIS_JDK)).isEqualTo(run(LAUNCHER, THIS_JDK));
  }

  /** Each link is relative to its own directory, and the last one goes through a linked one. */
  @Test
  void followsChainsOfRelativeLinks() throws Exception {
    Path root = checkout("a checkout");
    Files.createSymbolicLink(directory.resolve("aside"), Path.of("a checkout"));
    Path one = Files.createDirectories(directory.resolve("-bin/one"));
    Path two = Files.createDirectories(directory.resolve("two"));
    Files.createSymbolicLink(one.resolve("weft"), Path.of("../../two/link"));
    Files.createSymbolicLink(two.resolve("link"), Path.of("../aside/weft"));
    for (String command :
        List.of(
            "bash -- -bin/one/weft devices",
            "cd -- -bin && CDPATH=$PWD/..:$PWD bash one/weft devices",
            "cd -- -bin/one && bash weft devices",
            "PATH=$PWD/-bin/one:$PATH; weft devices")) {
      Result result = run(List.of("bash", "-c", command), buildable());
      assertThat(result.out).as(command + result.err).contains(root.toRealPath() + "/target/weft");
      assertThat(result.exit).isZero();
    }
  }

  /** Blanks, a newline in the middle and at the end, and letters that the locale does not have. */
  @Test
  void checkoutsHaveAnyNameButAColon() throws Exception {
    checkout("plain");
    for (String name : List.of("gr\\303\\266\\303\\237e", "a b\\nc", "end\\n", "[ab]*", "-c")) {
      String command =
          "name=$(printf -- '"
              + name
              + "x') && name=${name%x} && cp -R plain \"./$name\" &&"
              + " bash \"./$name/weft\" devices && [ -e \"./$name/target/weft/built\" ]";
      Map<String, String> environment = new HashMap<>(buildable());
      environment.put("LC_ALL", "C");
      Result result = run(List.of("bash", "-c", command), environment);
      assertThat(result.exit).as(name + result).isZero();
      assertThat(result.out).contains("--module dev.weft.cli/dev.weft.cli.Main devices");
    }
    Path colon = checkout("a:b");
    Result refused = run(colon.resolve("weft"), buildable(), "devices");
    assertThat(refused.err)
        .startsWith("weft: need a checkout whose path has no colon")
        .contains("got path=/") // quoted as a shell would take it
        .endsWith("/" + directory.getFileName() + "/a:b\n");
    assertThat(refused.out).isEmpty();
    assertThat(refused.exit).isEqualTo(1);
    assertThat(colon.resolve("target")).doesNotExist();
  }

  /** What a shell or its children would obey. */
  @Test
  void noVariableOfTheEnvironmentChangesIt() throws Exception {
    Path root = checkout("checkout");
    String java = buildable().get("WEFT_JAVA_HOME");
    String path = buildable().get("PATH");
    for (String surroundings :
        List.of(
            "-i",
            "-u HOME",
            "-u TERM -u USER -u SHELL -u PWD -u LANG -u TMPDIR",
            "CDPATH=. IFS=/weft GLOBIGNORE=*:/* POSIXLY_CORRECT=1 GREP_OPTIONS=-v ENV=/no",
            "SHELLOPTS=noglob:noclobber:nounset BASHOPTS=failglob:nocasematch:nullglob",
            "TMPDIR=/no/such JAVA_HOME=/no/such MAVEN_OPTS= CLASSPATH=/no BASH_ENV=/no/such",
            "LANG=xx_XX.UTF-8 LC_ALL= LANGUAGE=xx",
            "LC_ALL=tlh OSTYPE=other HOSTTYPE= PS4=$(exit) PWD=/no OLDPWD=")) {
      List<String> command = new ArrayList<>(List.of("env"));
      command.addAll(List.of(surroundings.split(" ")));
      command.addAll(List.of("WEFT_JAVA_HOME=" + java, "PATH=" + path));
      command.addAll(List.of("bash", "checkout/weft", "devices"));
      Files.deleteIfExists(root.resolve("target/weft/built")); // so that it builds
      Result result = run(command, Map.of());
      assertThat(result.exit).as(surroundings + result).isZero();
      assertThat(result.err.lines().filter(line -> !line.contains("/no/such: No such file")))
          .as(surroundings)
          .containsExactly("weft: building (first use, or a source has changed)");
      assertThat(result.out).contains("--module-path " + root.toRealPath() + "/target/weft/lib ");
    }
    Map<String, String> wrong = new HashMap<>(buildable());
    wrong.put("WEFT_CUDA_REDIST", "yes");
    assertThat(run(root.resolve("weft"), wrong, "devices"))
        .isEqualTo(new Result("", "weft: WEFT_CUDA_REDIST: need 0 or 1, got yes\n", 1));
    wrong.put("WEFT_CUDA_REDIST", "0");
    assertThat(run(root.resolve("weft"), wrong, "devices").exit).isZero();
  }

  /** Java decodes by the locale: it gets one of UTF-8, and keeps the user's own if that is one. */
  @Test
  void javaRunsInUtf8() throws Exception {
    needUtf8();
    checkout("checkout");
    Path java = Path.of(buildable().get("WEFT_JAVA_HOME"), "bin/java");
    script(java, "locale charmap; echo \"$LC_ALL,$LC_CTYPE,$LANG\"");
    String weft = "bash checkout/weft devices";
    String unset = "unset LC_ALL LC_CTYPE LANG; ";
    Map<String, String> environment = buildable();
    run(List.of("bash", "-c", weft), environment); // builds
    for (String locale :
        List.of("LC_ALL=C", "LC_ALL=POSIX", "LC_ALL=xx_XX", "LC_CTYPE=C", "LANG=C")) {
      Result result = run(List.of("bash", "-c", unset + locale + " " + weft), environment);
      assertThat(result.out).as(locale).startsWith("UTF-8\n");
      assertThat(result.err).isEmpty();
    }
    assertThat(run(List.of("bash", "-c", unset + weft), environment).out).startsWith("UTF-8\n");
    String kept = unset + "LC_ALL=C.UTF-8 LANG=C " + weft;
    assertThat(run(List.of("bash", "-c", kept), environment).out).isEqualTo("UTF-8\nC.UTF-8,,C\n");
  }

  static void needUtf8() {
    Programs.Result charmap = Programs.run(List.of("env", "LC_ALL=C.UTF-8", "locale", "charmap"));
    Availability.need(
        "utf-8", charmap.output().strip().equals("UTF-8"), () -> "no C.UTF-8: " + charmap.output());
  }

  /** The lock is that of a build: who builds nothing neither waits nor says so. */
  @Test
  void waitsForAnotherBuildOnlyToBuild() throws Exception {
    Availability.need("flock", !Programs.onPath("flock").isEmpty(), () -> "no flock on PATH");
    Path root = checkout("checkout");
    Map<String, String> environment = buildable();
    assertThat(run(root.resolve("weft"), environment, "devices").err).contains("building");
    String weft = "bash checkout/weft devices";
    Result idle = run(List.of("flock", "checkout/pom.xml", "bash", "-c", weft), environment);
    assertThat(idle.err).isEmpty();
    assertThat(idle.exit).isZero();
    String beside =
        "rm checkout/target/weft/built; exec 8<checkout/pom.xml; flock 8; "
            + weft
            + " 8<&- 2>said & for i in {1..3000}; do grep -qs waiting said && break; sleep 0.01; done;"
            + " flock -u 8; wait $!; cat said >&2";
    Result building = run(List.of("bash", "-c", beside), environment);
    assertThat(building.err)
        .isEqualTo(
            "weft: waiting for another build\n"
                + "weft: building (first use, or a source has changed)\n");
  }

  @Test
  void aRelativeHomeIsMadeAbsolute() throws Exception {
    String home = jdk("25.0.3");
    Path name = Path.of(home).getFileName();
    Result result = run(LAUNCHER, Map.of("WEFT_JAVA_HOME", name.toString()));
    assertThat(result.out).endsWith("/" + name + "\n").startsWith("/");
  }

  /** A checkout that {@link #buildable} surroundings can build. */
  private Path checkout(String name) throws IOException {
    Path root = Files.createDirectory(directory.resolve(name));
    Files.copy(LAUNCHER, root.resolve("weft"));
    Files.createFile(root.resolve("pom.xml"));
    for (String module : "api kernel-cpu kernel-gpu interop compare cli".split(" ")) {
      Files.createFile(
          Files.createDirectories(root.resolve(module + "/src/main")).resolve("../../pom.xml"));
    }
    Files.createDirectories(root.resolve("cli/target/lib"));
    Files.createFile(root.resolve("cli/target/lib/weft-api-1.jar"));
    Files.createFile(root.resolve("cli/target/weft-cli-1.jar"));
    return root;
  }

  /** The environment of a Maven that does nothing, and a java that tells its arguments. */
  private Map<String, String> buildable() throws IOException {
    Path bin = directory.resolve("path");
    Path home = directory.resolve("jdk 25.0.3");
    if (!Files.exists(bin)) {
      script(Files.createDirectory(bin).resolve("mvn"), "exit 0");
      script(Path.of(jdk("25.0.3")).resolve("bin/java"), "echo \"$@\"");
    }
    return Map.of("WEFT_JAVA_HOME", home.toString(), "PATH", bin + ":" + System.getenv("PATH"));
  }

  /** As a service or {@code env -i} starts it, and from above the checkout. */
  @Test
  void needsNoHomeAndNoCdpath() throws Exception {
    Path root = Files.createDirectory(directory.resolve("checkout"));
    Files.copy(LAUNCHER, root.resolve("weft"));
    String home = System.getProperty("java.home");
    List<String> withoutHome =
        List.of("env", "-u", "HOME", "-u", "WEFT_JAVA_HOME", "JAVA_HOME=" + home);
    List<String> withCdpath =
        List.of("env", "-u", "WEFT_JAVA_HOME", "CDPATH=" + directory, "JAVA_HOME=" + home);
    for (List<String> surroundings : List.of(withoutHome, withCdpath)) {
      List<String> command = new ArrayList<>(surroundings);
      command.addAll(List.of("bash", "checkout/weft", "--jdk"));
      assertThat(run(command, Map.of())).isEqualTo(new Result(home + "\n", "", 0));
    }
    Files.createFile(root.resolve("pom.xml"));
    Path bin = Files.createDirectory(directory.resolve("path"));
    script(bin.resolve("mvn"), "pwd >\"" + directory.resolve("built") + "\"; exit 1");
    List<String> building = new ArrayList<>(withCdpath);
    building.addAll(List.of("bash", "checkout/weft", "devices"));
    run(building, Map.of("PATH", bin + ":" + System.getenv("PATH")));
    assertThat(directory.resolve("built")).hasContent(root.toRealPath().toString());
  }

  /** Versions at both ends of [25.0.3, 26), as a JDK's release file writes them. */
  @Test
  void takesAJdkByItsVersion() throws Exception {
    for (String fits : new String[] {"25.0.3", "25.0.3.1", "25.0.10", "25.1"}) {
      String home = jdk(fits);
      assertThat(run(LAUNCHER, Map.of("WEFT_JAVA_HOME", home)))
          .isEqualTo(new Result(home + "\n", "", 0));
    }
    for (String other : new String[] {"17.0.15", "24.0.2", "25", "25.0.2", "26", "26.0.3", "1.8"}) {
      String home = jdk(other);
      Result result = run(LAUNCHER, Map.of("WEFT_JAVA_HOME", home));
      assertThat(result.err)
          .isEqualTo("weft: WEFT_JAVA_HOME: need a JDK in [25.0.3,26), got " + home + "\n");
      assertThat(result.out).isEmpty();
      assertThat(result.exit).isEqualTo(1);
    }
  }

  /** Beside a build with its jars of sources and Javadoc, only what runs is on the module path. */
  @Test
  void takesNoJarsOfARelease() throws Exception {
    Path root = Files.createDirectory(directory.resolve("checkout"));
    Files.copy(LAUNCHER, root.resolve("weft"));
    Files.createFile(root.resolve("pom.xml"));
    Path target = Files.createDirectories(root.resolve("cli/target"));
    for (String jar : new String[] {"1.jar", "1-sources.jar", "1-javadoc.jar"}) {
      Files.createFile(target.resolve("weft-cli-" + jar));
    }
    Files.createFile(Files.createDirectory(target.resolve("lib")).resolve("weft-api-1.jar"));
    Path bin = Files.createDirectory(directory.resolve("path"));
    script(bin.resolve("mvn"), "exit 0");
    Path home = Path.of(jdk("25.0.3"));
    script(home.resolve("bin/java"), "ls \"" + root + "/target/weft/lib\"");

    String path = bin + ":" + System.getenv("PATH");
    Map<String, String> environment = Map.of("WEFT_JAVA_HOME", home.toString(), "PATH", path);
    Result result = run(root.resolve("weft"), environment, "devices");
    assertThat(result.out).isEqualTo("weft-api-1.jar\nweft-cli-1.jar\n");
    assertThat(result.exit).isZero();
  }

  /** NVIDIA's libraries come once they are asked for, stay, and are no module. */
  @Test
  void takesNvidiasLibrariesOnRequest() throws Exception {
    Path root = Files.createDirectory(directory.resolve("checkout"));
    Files.copy(LAUNCHER, root.resolve("weft"));
    Files.createFile(root.resolve("pom.xml"));
    Path lib = Files.createDirectories(root.resolve("cli/target/lib"));
    Files.createFile(lib.resolve("weft-api-1.jar"));
    Files.createFile(lib.resolveSibling("weft-cli-1.jar"));
    Path bin = Files.createDirectory(directory.resolve("path"));
    Path redist = lib.resolve("cuda-redist-1.jar");
    script(
        bin.resolve("mvn"),
        "case \"$*\" in *-Pcuda-redist*) touch \"" + redist + "\" ;; *) exit 0 ;; esac");
    Path home = Path.of(jdk("25.0.3"));
    String image = root + "/target/weft";
    script(home.resolve("bin/java"), "cd \"" + image + "\" && ls lib cuda; echo \"$@\"");
    String path = bin + ":" + System.getenv("PATH");
    Map<String, String> plain = Map.of("WEFT_JAVA_HOME", home.toString(), "PATH", path);
    Map<String, String> asking = new HashMap<>(plain);
    asking.put("WEFT_CUDA_REDIST", "1");

    Path weft = root.resolve("weft");
    String jars = "lib:\nweft-api-1.jar\nweft-cli-1.jar\n";
    assertThat(run(weft, plain, "devices").out).startsWith("cuda:\n\n" + jars);
    String both = "cuda:\ncuda-redist-1.jar\n\n" + jars;
    assertThat(run(weft, asking, "devices").out)
        .startsWith(both)
        .contains("--class-path " + image + "/cuda/* --module-path " + image + "/lib ");
    Files.setLastModifiedTime(
        root.resolve("pom.xml"), FileTime.fromMillis(System.currentTimeMillis() + 3_600_000));
    Result later = run(weft, plain, "devices");
    assertThat(later.err).contains("building");
    assertThat(later.out).startsWith(both);
  }

  /**
   * A program of one file gets weft's jars; what is no file is refused before anything is built.
   */
  @Test
  void runsAProgramOfOneFile() throws Exception {
    Path root = Files.createDirectory(directory.resolve("checkout"));
    Files.copy(LAUNCHER, root.resolve("weft"));
    Files.createFile(root.resolve("pom.xml"));
    Files.createFile(
        Files.createDirectories(root.resolve("cli/target/lib")).resolve("weft-api-1.jar"));
    Files.createFile(root.resolve("cli/target/weft-cli-1.jar"));
    Path bin = Files.createDirectory(directory.resolve("path"));
    script(bin.resolve("mvn"), "exit 0");
    Path home = Path.of(jdk("25.0.3"));
    script(home.resolve("bin/java"), "echo \"$@\"");
    String path = bin + ":" + System.getenv("PATH");
    Map<String, String> environment = Map.of("WEFT_JAVA_HOME", home.toString(), "PATH", path);

    Result missing = run(root.resolve("weft"), environment, "run", "Missing.java");
    assertThat(missing)
        .isEqualTo(
            new Result("", "weft: run: need a Java source file, got file=Missing.java\n", 2));

    Files.createFile(directory.resolve("Program.java"));
    Result result = run(root.resolve("weft"), environment, "run", "Program.java", "one", "two");
    String classPath = "-cp " + root + "/target/weft/lib/*:" + root + "/target/weft/cuda/*";
    assertThat(result.out)
        .endsWith(" " + classPath + " Program.java one two\n")
        .contains("--add-modules jdk.incubator.vector");
    assertThat(result.exit).isZero();
  }

  private static void script(Path file, String line) throws IOException {
    Files.writeString(file, "#!/bin/sh\n" + line + "\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  /** A directory that looks like a JDK of this version. */
  private String jdk(String version) throws IOException {
    Path home = Files.createDirectories(directory.resolve("jdk " + version));
    Path javac = Files.createFile(Files.createDirectory(home.resolve("bin")).resolve("javac"));
    assertThat(javac.toFile().setExecutable(true)).isTrue();
    Files.writeString(home.resolve("release"), "X=\"1\"\nJAVA_VERSION=\"" + version + "\"\n");
    return home.toString();
  }

  private Result run(Path launcher, Map<String, String> environment) throws Exception {
    return run(launcher, environment, "--jdk");
  }

  private Result run(Path launcher, Map<String, String> environment, String... arguments)
      throws Exception {
    List<String> command = new ArrayList<>(List.of("bash", launcher.toString()));
    command.addAll(List.of(arguments));
    return run(command, environment);
  }

  private Result run(List<String> command, Map<String, String> environment) throws Exception {
    Path err = directory.resolve("err");
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(directory.toFile()).redirectError(err.toFile());
    builder.environment().putAll(environment);
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String said =
        Files.readString(err)
            .lines()
            .filter(line -> !line.contains(": warning: setlocale: ")) // bash's own word
            .map(line -> line + "\n")
            .collect(Collectors.joining());
    return new Result(out, said, process.waitFor());
  }

  private record Result(String out, String err, int exit) {}
}
