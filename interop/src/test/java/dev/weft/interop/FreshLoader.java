package dev.weft.interop;

import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** weft once more, as a JVM finds it that has not used any of its classes. */
final class FreshLoader {
  private FreshLoader() {}

  /** A loader of every class on the class path. */
  static URLClassLoader open() throws Exception {
    List<URL> urls = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      urls.add(Path.of(entry).toUri().toURL());
    }
    return new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
  }

  /** An object of a class of tests, as that loader sees it; both know the interface. */
  static <T> T make(ClassLoader loader, Class<?> type, Class<T> as) throws Exception {
    return as.cast(loader.loadClass(type.getName()).getDeclaredConstructor().newInstance());
  }
}
