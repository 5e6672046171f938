package dev.weft.gpu.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.testkit.Programs;
import dev.weft.testkit.gpu.FakeLibraries;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.jar.JarOutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where CUDA's libraries are looked for and which of them are loaded, with fakes made by g++. */
class LibrarySearchTest {
  private static final CudaLibrary LIBRARY = CudaLibrary.CURAND;
  private static final ClassLoader NO_JARS = loader();

  private static Path whole;
  private static Path another;

  @TempDir private Path folder;
  private Path cache;

  @BeforeAll
  static void build() {
    Programs.needExecutableFiles();
    whole = FakeLibraries.whole();
    another = FakeLibraries.another();
  }

  @BeforeEach
  void names() {
    cache = folder.resolve("cache/weft");
  }

  private static ClassLoader loader(URL... jars) {
    return new URLClassLoader(jars, null);
  }

  /** A copy of a library, under the name that is looked for. */
  private Path library(String directory, Path content) throws IOException {
    Path target = Files.createDirectories(folder.resolve(directory)).resolve(LIBRARY.file());
    return Files.copy(content, target);
  }

  private ClassLoader jar(Path content) throws IOException {
    Path jar = Files.createTempFile(folder, "redist", ".jar"); // a JVM remembers jars by name
    try (OutputStream file = Files.newOutputStream(jar);
        JarOutputStream out = new JarOutputStream(file)) {
      out.putNextEntry(new ZipEntry(LibrarySearch.IN_JAR + LIBRARY.file()));
      Files.copy(content, out);
      out.closeEntry();
    }
    return loader(jar.toUri().toURL());
  }

  private LibrarySearch search(Path named, ClassLoader jars, Path... toolkits) {
    return new LibrarySearch(named, jars, cache, List.of(toolkits));
  }

  /** Whether a file is part of this process. */
  private static boolean isLoaded(Path file) throws IOException {
    return Files.readString(Path.of("/proc/self/maps")).contains(file.toRealPath().toString());
  }

  private List<Path> cached() throws IOException {
    try (Stream<Path> files = Files.walk(cache)) {
      return files.filter(Files::isRegularFile).toList();
    }
  }

  @Test
  void theNamedDirectoryIsFirst() throws IOException {
    Path named = library("named", whole);
    Path toolkit = library("toolkit", whole);
    search(named.getParent(), jar(whole), toolkit.getParent()).load(LIBRARY);
    assertThat(isLoaded(named)).isTrue();
    assertThat(isLoaded(toolkit)).isFalse();
    assertThat(cache).doesNotExist();
  }

  @Test
  void aJarIsBeforeTheToolkits() throws IOException {
    Path toolkit = library("toolkit", whole);
    search(Files.createDirectory(folder.resolve("empty")), jar(whole), toolkit.getParent())
        .load(LIBRARY);
    assertThat(cached()).hasSize(1);
    assertThat(isLoaded(cached().getFirst())).isTrue();
    assertThat(isLoaded(toolkit)).isFalse();
  }

  @Test
  void theFirstToolkitThatLoadsIsTaken() throws IOException {
    Path damaged = library("damaged", another);
    Path first = library("first", whole);
    Path second = library("second", whole);
    Path missing = folder.resolve("missing");
    search(null, NO_JARS, missing, damaged.getParent(), first.getParent(), second.getParent())
        .load(LIBRARY);
    assertThat(isLoaded(damaged)).isFalse();
    assertThat(isLoaded(first)).isTrue();
    assertThat(isLoaded(second)).isFalse();
  }

  @Test
  void toolkitsAreTheChosenOneAndThenTheNewest() throws IOException {
    for (String name : List.of("cuda-9.2", "cuda-13.0", "cuda-12.6", "cuda", "cuda-12", "cudax")) {
      Files.createDirectory(folder.resolve(name));
    }
    assertThat(LibrarySearch.toolkits(folder))
        .extracting(path -> folder.relativize(path).toString())
        .containsExactly(
            "cuda/lib64", "cuda-13.0/lib64", "cuda-12.6/lib64", "cuda-12/lib64", "cuda-9.2/lib64");
    assertThat(LibrarySearch.toolkits(folder.resolve("missing"))).isEmpty();
  }

  /** A relative one would be chosen by whoever chooses the working directory. */
  @Test
  void copiesAreKeptInAnAbsoluteDirectory() {
    String root = folder.toAbsolutePath().toString();
    Path home = folder.toAbsolutePath().resolve(".cache/weft");
    assertThat(LibrarySearch.cache(root, "/other", "/tmp")).contains(Path.of(root, "weft"));
    for (String relative : new String[] {null, "", "cache", "./cache", "?", "../x", "a\0b"}) {
      assertThat(LibrarySearch.cache(relative, root, "/tmp")).contains(home);
      assertThat(LibrarySearch.cache(relative, relative, root)).contains(home);
      assertThat(LibrarySearch.cache(relative, relative, relative)).isEmpty();
    }
  }

  @Test
  void nothingIsCopiedWithoutADirectory() throws IOException {
    LibrarySearch search = new LibrarySearch(null, jar(another), null, List.of());
    assertThatThrownBy(() -> search.load(LIBRARY))
        .isInstanceOf(UnavailableException.class)
        .hasMessageContaining("need an absolute XDG_CACHE_HOME, user.home or java.io.tmpdir");
  }

  /** What a damaged library would do to the process if it were loaded: nothing, it is not. */
  @ParameterizedTest
  @ValueSource(strings = {"empty", "text", "header", "half", "a byte short", "directory"})
  void aDamagedLibraryOfTheNamedDirectoryIsRefused(String damage) throws IOException {
    Path file = library("named", whole);
    byte[] bytes = Files.readAllBytes(file);
    switch (damage) {
      case "empty" -> Files.write(file, new byte[0]);
      case "text" ->
          Files.writeString(file, "version https://git-lfs.github.com/spec/v1\n".repeat(9));
      case "header" -> Files.write(file, Arrays.copyOf(bytes, 64));
      case "half" -> Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
      case "a byte short" -> Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
      default -> {
        Files.delete(file);
        Files.createDirectory(file);
      }
    }
    assertThatThrownBy(() -> search(file.getParent(), NO_JARS).load(LIBRARY))
        .isInstanceOfSatisfying(
            UnavailableException.class,
            e -> assertThat(e.remedy()).isEqualTo("correct -Dweft.cuda.path"))
        .hasMessageStartingWith(file.toString())
        .hasMessageMatching("(?s).* (is no library|is cut short|does not load|can not be read).*");
  }

  @Test
  void aLibraryOfAnotherKindIsRefused() throws IOException {
    Path file = library("named", another);
    assertThatThrownBy(() -> search(file.getParent(), NO_JARS).load(LIBRARY))
        .isInstanceOf(UnavailableException.class)
        .hasMessage(file + " is another library: it has no curandGenerate");
    assertThat(isLoaded(file)).isFalse();
  }

  /** Copied out of its jar once, into directories of this user alone, with nothing beside it. */
  @Test
  void aJarsLibraryIsCopiedOnce() throws IOException {
    ClassLoader jar = jar(whole);
    search(null, jar).load(LIBRARY);
    Path file = cached().getFirst();
    assertThat(cached()).hasSize(1);
    assertThat(file).hasSameBinaryContentAs(whole);
    for (Path directory : List.of(cache, file.getParent())) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
          .isEqualTo("rwx------");
    }
    FileTime old = FileTime.fromMillis(1_000_000);
    Files.setLastModifiedTime(file, old);
    search(null, jar).load(LIBRARY);
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(old);
  }

  @Test
  void aCopyThatIsNotWholeIsMadeAnew() throws IOException {
    ClassLoader jar = jar(whole);
    search(null, jar).load(LIBRARY);
    Path file = cached().getFirst();
    Files.delete(file); // the one that is loaded stays as it is
    Files.write(file, Arrays.copyOf(Files.readAllBytes(whole), 1_000));
    search(null, jar).load(LIBRARY);
    assertThat(cached()).containsExactly(file);
    assertThat(file).hasSameBinaryContentAs(whole);
  }

  @Test
  void anotherContentHasAnotherFolder() throws IOException {
    search(null, jar(whole)).load(LIBRARY);
    Path longer = Files.copy(whole, folder.resolve("longer"));
    Files.write(longer, new byte[8], java.nio.file.StandardOpenOption.APPEND);
    search(null, jar(longer)).load(LIBRARY);
    assertThat(cached()).hasSize(2);
  }

  @Test
  void manyAtOnceMakeOneCopy() throws Exception {
    ClassLoader jar = jar(whole);
    List<Future<?>> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      IntStream.range(0, 8)
          .forEach(i -> all.add(threads.submit(() -> search(null, jar).load(LIBRARY))));
    }
    for (Future<?> each : all) {
      each.get();
    }
    assertThat(cached()).hasSize(1);
    assertThat(cached().getFirst()).hasSameBinaryContentAs(whole);
  }

  /** Where others can write, or send the copy elsewhere, nothing is copied; the search goes on. */
  @ParameterizedTest
  @ValueSource(strings = {"open", "link", "file"})
  void aCacheThatIsNotThisUsersAloneIsNotUsed(String kind) throws IOException {
    Files.createDirectories(cache.getParent());
    switch (kind) {
      case "open" -> // whatever the umask
          Files.setPosixFilePermissions(
              Files.createDirectory(cache), PosixFilePermissions.fromString("rwxr-xr-x"));
      case "link" ->
          Files.createSymbolicLink(cache, Files.createDirectory(folder.resolve("elsewhere")));
      default -> Files.createFile(cache);
    }
    Path toolkit = library("toolkit", whole);
    search(null, jar(whole), toolkit.getParent()).load(LIBRARY);
    assertThat(isLoaded(toolkit)).isTrue();
    if (Files.isDirectory(cache)) {
      assertThat(cached()).isEmpty();
    }
  }

  /** The jar that messages name is the one that is tested, and that the command line can take. */
  @Test
  void theJarIsThatOfTheBuild() throws IOException {
    Matcher version =
        Pattern.compile("<cuda-redist.version>(.*)</cuda-redist.version>")
            .matcher(Files.readString(Path.of("../pom.xml")));
    assertThat(version.find()).isTrue();
    String jar = "org.bytedeco:cuda-redist:" + version.group(1) + ":linux-x86_64";
    assertThat(CudaLibrary.CURAND.jar()).startsWith(jar + " ");
    assertThat(Files.readString(Path.of("../README.md"))).contains(jar);
  }

  /** Classes that are no jar need no copy. */
  @Test
  void aLibraryInADirectoryOfTheClassPathIsLoadedWhereItIs() throws IOException {
    Path file = library("classes/" + LibrarySearch.IN_JAR, whole);
    URI classes = folder.resolve("classes").toUri();
    search(null, loader(classes.toURL())).load(LIBRARY);
    assertThat(isLoaded(file)).isTrue();
    assertThat(cache).doesNotExist();
  }
}
