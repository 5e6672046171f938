package dev.weft.gpu.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcurand.JCurand;

/**
 * Loads JCuda's native libraries. JCuda itself would load whatever file of the right name lies in
 * {@code java.io.tmpdir}, or put it there in several steps; so the libraries are unpacked into a
 * new directory of this process's own (mode 0700), JCuda is pointed there while it loads, and the
 * directory is deleted: the system keeps what is loaded.
 */
@SuppressWarnings("restricted") // loads native libraries, as it must
final class NativeLibraries {
  /** JCuda's version, which is part of its libraries' names. */
  static final String VERSION = "12.6.0";

  /** Version of the last JCurand, which works beside it under the name that JCuda asks for. */
  static final String CURAND_VERSION = "11.8.0";

  /** System property: a directory with CUDA's libraries, which is looked at first. */
  static final String PATH_PROPERTY = "weft.cuda.path";

  private static final String DRIVER = "libcuda.so.1";
  private static final String TMPDIR = "java.io.tmpdir";

  private static final Set<String> LOADED = new HashSet<>(); // guarded by the class
  private static final Map<String, UnavailableException> FAILED = new HashMap<>(); // likewise

  private NativeLibraries() {}

  /**
   * Loads what {@link JCudaDriver} needs, for good.
   *
   * @throws UnavailableException if JCuda's library is not there or does not load, with the reason
   */
  static synchronized void loadDriver() {
    Path driver = namedDriver();
    if (driver != null) {
      try {
        System.load(driver.toAbsolutePath().toString()); // JCuda's need is then met by its name
      } catch (LinkageError | IllegalCallerException e) {
        throw new UnavailableException(
            driver + " does not load: " + e.getMessage(), "correct -D" + PATH_PROPERTY);
      }
    }
    load(
        "JCudaDriver",
        VERSION,
        () -> JCudaDriver.setExceptionsEnabled(false),
        "install NVIDIA's driver, whose libcuda.so.1 it needs");
  }

  /**
   * Loads what {@link JCurand} needs, for good: cuRAND itself first.
   *
   * @throws UnavailableException if one of them is not there or does not load, with the reason
   */
  static synchronized void loadCurand(LibrarySearch search) {
    loadOnce(
        search,
        List.of(CudaLibrary.CURAND),
        "JCurand",
        CURAND_VERSION,
        () -> JCurand.setExceptionsEnabled(false),
        "use the libcurand.so.10 of CUDA 12");
  }

  /**
   * Loads what {@link JCublas2} needs, for good: cuBLAS itself first, and what that is built on.
   *
   * @throws UnavailableException if one of them is not there or does not load, with the reason
   */
  static synchronized void loadCublas(LibrarySearch search) {
    loadOnce(
        search,
        List.of(CudaLibrary.CUBLAS_LT, CudaLibrary.CUBLAS),
        "JCublas2",
        VERSION,
        () -> JCublas2.setExceptionsEnabled(false),
        "use the libcublas.so.12 of a toolkit of CUDA 12");
  }

  /** Loads libraries of CUDA and then JCuda's own for them, unless that was tried before. */
  private static void loadOnce(
      LibrarySearch search,
      List<CudaLibrary> libraries,
      String name,
      String version,
      Runnable initializer,
      String remedy) {
    if (FAILED.containsKey(name)) {
      throw FAILED.get(name);
    }
    if (!LOADED.contains(name)) {
      libraries.forEach(search::load); // may succeed another time, JCuda's own may not
      try {
        load(name, version, initializer, remedy);
        LOADED.add(name);
      } catch (UnavailableException e) {
        FAILED.put(name, e); // a class whose initializer failed cannot be tried again
        throw e;
      }
    }
  }

  /** The driver's library in the directory of {@link #PATH_PROPERTY}; null if there is none. */
  static Path namedDriver() {
    String directory = System.getProperty(PATH_PROPERTY, "");
    if (directory.isBlank()) {
      return null;
    }
    Path file = Path.of(directory, DRIVER);
    return Files.exists(file) ? file : null;
  }

  private static void load(String name, String version, Runnable initializer, String remedy) {
    String file = fileName(name, VERSION);
    String resource = fileName(name, version);
    Path directory = null;
    String before = System.getProperty(TMPDIR);
    try {
      directory = Files.createTempDirectory("weft-native-"); // readable by its owner alone
      try (InputStream in =
          NativeLibraries.class.getClassLoader().getResourceAsStream("lib/" + resource)) {
        if (in == null) {
          throw new UnavailableException(
              "JCuda's library " + resource + " is not on the class path or module path",
              "add the artifact of org.jcuda that has it, of classifier linux-x86_64");
        }
        Files.copy(in, directory.resolve(file));
      }
      System.setProperty(TMPDIR, directory.toString());
      initializer.run();
    } catch (IOException e) {
      throw new UnavailableException(
          "JCuda's library " + file + " can not be unpacked: " + e,
          "give the JVM a java.io.tmpdir that it may write to and load libraries from");
    } catch (LinkageError | IllegalCallerException e) {
      throw new UnavailableException(
          "JCuda's library " + file + " does not load: " + cause(e),
          remedy + ", and run java with --enable-native-access=ALL-UNNAMED");
    } finally {
      System.setProperty(TMPDIR, before);
      delete(directory, file);
    }
  }

  private static String fileName(String name, String version) {
    return "lib" + name + "-" + version + "-linux-x86_64.so";
  }

  /** The last of the causes that JCuda puts into one message with their stack traces. */
  private static String cause(Throwable e) {
    String message = String.valueOf(e.getMessage());
    String name = UnsatisfiedLinkError.class.getName() + ": ";
    int last = message.lastIndexOf(name);
    return message.substring(last < 0 ? 0 : last + name.length()).lines().findFirst().orElse("");
  }

  private static void delete(Path directory, String file) {
    if (directory == null) {
      return;
    }
    try {
      Files.deleteIfExists(directory.resolve(file));
      Files.deleteIfExists(directory);
    } catch (IOException e) {
      System.getLogger("dev.weft")
          .log(System.Logger.Level.DEBUG, "a directory of libraries stays: {0}", e.toString());
    }
  }
}
