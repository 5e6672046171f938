package dev.weft.gpu.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.stream.Stream;

/**
 * Finds a {@link CudaLibrary} and loads it, so that JCuda's own libraries find it by its name. In
 * this order: the directory that the property {@value NativeLibraries#PATH_PROPERTY} names; a jar
 * on the class path, out of which the one file is copied once; the toolkits; the system's linker.
 *
 * @param named the property's directory; null if there is none
 * @param jars where jars are looked for
 * @param cache a directory for what is copied out of them: this user's alone; null if there is none
 * @param toolkits directories of libraries
 */
@SuppressWarnings("restricted") // loads native libraries, as it must
record LibrarySearch(Path named, ClassLoader jars, Path cache, List<Path> toolkits) {
  /** Where the jars of CUDA's libraries have them. */
  static final String IN_JAR = "org/bytedeco/cuda/linux-x86_64/";

  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");

  private static final int ELF_HEADER = 64;
  private static final int ELF_MAGIC = 0x464C457F;
  private static final int ELF_64_LITTLE = 0x0102;
  private static final int ELF_X86_64 = 62;

  /** The search on this machine. */
  static LibrarySearch ofMachine() {
    String named = System.getProperty(NativeLibraries.PATH_PROPERTY, "");
    List<Path> toolkits = new ArrayList<>();
    for (String variable : List.of("CUDA_HOME", "CUDA_PATH")) {
      String home = System.getenv(variable);
      absolute(home).ifPresent(toolkit -> toolkits.add(toolkit.resolve("lib64")));
    }
    toolkits.addAll(toolkits(Path.of("/usr/local")));
    return new LibrarySearch(
        named.isBlank() ? null : Path.of(named),
        LibrarySearch.class.getClassLoader(),
        cache(
                System.getenv("XDG_CACHE_HOME"),
                System.getProperty("user.home"),
                System.getProperty("java.io.tmpdir"))
            .orElse(null),
        toolkits);
  }

  /**
   * The directory for copies: in the first of these that is an absolute path. A relative one would
   * be another for each working directory, and whoever owns that would choose the library.
   *
   * @param caches the user's directory of caches
   * @param home the user's directory
   * @param temporary that of temporary files, for a user whom the system does not know
   */
  static Optional<Path> cache(String caches, String home, String temporary) {
    return absolute(caches)
        .or(() -> absolute(home).map(directory -> directory.resolve(".cache")))
        .or(() -> absolute(temporary).map(directory -> directory.resolve(".cache")))
        .map(directory -> directory.resolve("weft"));
  }

  /** The path that {@code name} is, if it is an absolute one. */
  private static Optional<Path> absolute(String name) {
    try {
      return Optional.ofNullable(name).map(Path::of).filter(Path::isAbsolute);
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  /** The libraries of {@code cuda}, then of {@code cuda-13.0}, {@code cuda-12.6}, … in a folder. */
  static List<Path> toolkits(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .filter(
              entry -> entry.getFileName().toString().matches("cuda(-[0-9]{1,3}(\\.[0-9]{1,3})?)?"))
          .sorted(Comparator.comparing(LibrarySearch::version).reversed())
          .map(entry -> entry.resolve("lib64"))
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  /** 12006 of cuda-12.6; of cuda without a version, what the user has chosen, the most. */
  private static int version(Path toolkit) {
    String[] parts = toolkit.getFileName().toString().split("[-.]");
    return parts.length == 1
        ? Integer.MAX_VALUE
        : Integer.parseInt(parts[1]) * 1000 + (parts.length == 2 ? 0 : Integer.parseInt(parts[2]));
  }

  /**
   * Loads a library, for good. One that is damaged is passed over, unless its directory was named.
   *
   * @throws UnavailableException if none loads; the message says where it was looked for and what
   *     was found instead
   */
  void load(CudaLibrary library) {
    if (named != null && Files.exists(named.resolve(library.file()))) {
      Path file = named.resolve(library.file());
      String failure = failure(library, file);
      if (failure != null) {
        throw new UnavailableException(failure, "correct -D" + NativeLibraries.PATH_PROPERTY);
      }
      return;
    }
    List<String> failures = new ArrayList<>();
    if (loadsFromJar(library, failures)) {
      return;
    }
    for (Path toolkit : toolkits) {
      Path file = toolkit.resolve(library.file());
      if (Files.exists(file)) {
        String failure = failure(library, file);
        if (failure == null) {
          return;
        }
        failures.add(failure);
      }
    }
    if (!isLinked(library)) {
      throw missing(library, failures);
    }
  }

  /** Loads a file; null, or why it does not load. */
  private static String failure(CudaLibrary library, Path file) {
    try {
      String damage = damage(file);
      if (damage != null) {
        return file + " is " + damage;
      }
      if (isAnother(library, file)) {
        return file + " is another library: it has no " + library.function();
      }
      System.load(file.toAbsolutePath().toString());
      return null;
    } catch (IOException e) {
      return file + " can not be read: " + e;
    } catch (LinkageError | IllegalCallerException e) {
      return file + " does not load: " + e.getMessage();
    }
  }

  /**
   * What is wrong with a library; null if nothing shows. The linker maps what a header promises,
   * and the process dies of what a cut file does not have; linkers write the table of sections
   * last.
   */
  private static String damage(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      ByteBuffer header = ByteBuffer.allocate(ELF_HEADER).order(ByteOrder.LITTLE_ENDIAN);
      while (header.hasRemaining() && channel.read(header) >= 0) {}
      if (header.hasRemaining()
          || header.getInt(0) != ELF_MAGIC
          || header.getShort(4) != ELF_64_LITTLE
          || header.getShort(18) != ELF_X86_64) {
        return "no library for Linux on x86-64";
      }
      long sections = header.getLong(40);
      long bytes = (header.getShort(58) & 0xFFFFL) * (header.getShort(60) & 0xFFFFL);
      return sections < 0 || sections > channel.size() - bytes ? "cut short" : null;
    }
  }

  private boolean loadsFromJar(CudaLibrary library, List<String> failures) {
    URL url = jars.getResource(IN_JAR + library.file());
    if (url == null) {
      return false;
    }
    String failure;
    try {
      failure = failure(library, extracted(url, library.file()));
    } catch (IOException e) {
      String target = cache == null ? "" : " to " + cache;
      failure = library.file() + " can not be copied from " + url + target + ": " + e;
    }
    if (failure != null) {
      failures.add(failure);
    }
    return failure == null;
  }

  /** The file of a resource: copied out of its jar unless it was before, whole or not at all. */
  private Path extracted(URL url, String name) throws IOException {
    if (url.getProtocol().equals("file")) {
      return Path.of(URI.create(url.toString()));
    }
    if (!(url.openConnection() instanceof JarURLConnection connection)) {
      throw new IOException("need a jar or a directory");
    }
    if (cache == null) {
      throw new IOException("need an absolute XDG_CACHE_HOME, user.home or java.io.tmpdir");
    }
    JarEntry entry = connection.getJarEntry();
    Path folder = privateFolder(String.format(Locale.ROOT, "%08x", entry.getCrc()));
    Path file = folder.resolve(name);
    if (Files.isRegularFile(file) && Files.size(file) == entry.getSize()) {
      return file;
    }
    Path part = Files.createTempFile(folder, name, ".part"); // mode 0600
    try {
      try (InputStream in = connection.getInputStream()) {
        Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
      }
      try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
        channel.force(true); // before it has its name
      }
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
      return file;
    } finally {
      Files.deleteIfExists(part);
    }
  }

  /** A folder in the cache, of a jar's content; both of this user alone. */
  private Path privateFolder(String name) throws IOException {
    if (cache.getParent() != null) {
      Files.createDirectories(cache.getParent());
    }
    Path folder = cache.resolve(name);
    for (Path each : List.of(cache, folder)) {
      try {
        Files.createDirectory(each, PosixFilePermissions.asFileAttribute(PRIVATE));
      } catch (FileAlreadyExistsException e) {
        boolean mine =
            Files.isDirectory(each, LinkOption.NOFOLLOW_LINKS)
                && Files.getPosixFilePermissions(each).equals(PRIVATE)
                && Files.getOwner(each).equals(Files.getOwner(Path.of("/proc/self")));
        if (!mine) {
          throw new IOException(each + " must be a directory of this user with mode 0700", e);
        }
      }
    }
    return folder;
  }

  /** Whether a library lacks its function; looked at and closed, since loading is for good. */
  private static boolean isAnother(CudaLibrary library, Path file) {
    try (Arena trial = Arena.ofConfined()) {
      return SymbolLookup.libraryLookup(file, trial).find(library.function()).isEmpty();
    } catch (IllegalArgumentException e) {
      return false; // it does not load, and System.load says why
    }
  }

  /** Whether the system's linker knows a library by its name. */
  private static boolean isLinked(CudaLibrary library) {
    try {
      return SymbolLookup.libraryLookup(library.file(), Arena.global())
          .find(library.function())
          .isPresent();
    } catch (IllegalArgumentException | IllegalCallerException e) {
      return false;
    }
  }

  private UnavailableException missing(CudaLibrary library, List<String> failures) {
    StringBuilder reason = new StringBuilder(library.file() + " is missing");
    failures.forEach(failure -> reason.append("; ").append(failure));
    for (Path other : otherVersions(library)) {
      reason.append("; ").append(other).append(" is of another CUDA and does not stand in for it");
    }
    return new UnavailableException(
        reason.toString(),
        "put "
            + library.jar()
            + " on the class path, install a toolkit of CUDA 12, or name the directory of "
            + library.file()
            + " by -D"
            + NativeLibraries.PATH_PROPERTY);
  }

  /** Files of other versions of a library, where it was looked for. */
  private List<Path> otherVersions(CudaLibrary library) {
    List<Path> folders = new ArrayList<>(toolkits);
    if (named != null) {
      folders.addFirst(named);
    }
    List<Path> found = new ArrayList<>();
    for (Path folder : folders) {
      try (Stream<Path> files = Files.list(folder)) {
        files.filter(file -> isOtherVersion(library, file)).forEach(found::add);
      } catch (IOException e) {
        // there is no such directory
      }
    }
    return found;
  }

  private static boolean isOtherVersion(CudaLibrary library, Path file) {
    String name = file.getFileName().toString();
    return name.matches("\\Q" + library.stem() + "\\E\\.[0-9]+") && !name.equals(library.file());
  }
}
