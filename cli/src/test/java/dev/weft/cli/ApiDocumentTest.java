package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.lang.reflect.Modifier;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/api.md lists every public type and no other, and each says since when it is there. */
class ApiDocumentTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
  private static final List<String> MODULES = List.of("api", "interop");
  private static final Pattern SINCE = Pattern.compile("\\* @since \\d+\\.\\d+\\R");

  @Test
  void listsThePublicTypes() throws Exception {
    Set<String> types = new TreeSet<>();
    publicTypes().forEach(type -> types.add(type.getCanonicalName()));
    assertThat(types).contains("dev.weft.Weft", "dev.weft.init.Fill.Bits");
    assertThat(listed(Files.readString(ROOT.resolve("docs/api.md")))).isEqualTo(types);
  }

  @Test
  void readsTheFirstColumnUnderAPackage() {
    assertThat(
            listed(
                """
                | `Before` | a package |
                ## `dev.weft`
                | type | what |
                | `Shape` | not `Tensor` |
                ## `dev.weft.init`: words
                | `Fill`, `Fill.Bits` | two |
                """))
        .containsExactly("dev.weft.Shape", "dev.weft.init.Fill", "dev.weft.init.Fill.Bits");
  }

  /** A nested type is as old as the one around it. */
  @Test
  void publicTypesSaySinceWhenTheyAreThere() throws Exception {
    List<String> silent = new ArrayList<>();
    for (Class<?> type : publicTypes()) {
      if (!type.isMemberClass() && !saysSince(type.getSimpleName(), source(type))) {
        silent.add(type.getName());
      }
    }
    assertThat(silent).isEmpty();
  }

  @Test
  void sinceIsReadBeforeTheTypeAlone() {
    assertThat(saysSince("A", "/**\n * A.\n *\n * @since 0.1\n */\npublic final class A {}\n"))
        .isTrue();
    assertThat(
            saysSince(
                "A", "/** A. */\npublic class A {\n  /**\n   * @since 0.1\n   */\n  int b;\n}"))
        .isFalse();
  }

  /** The names in backquotes of the first column of tables, under headings that name a package. */
  private static Set<String> listed(String markdown) {
    Pattern heading = Pattern.compile("## `(dev\\.weft[\\w.]*)`.*");
    Pattern row = Pattern.compile("\\| ((?:`[\\w.]+`(?:, )?)+) \\|.*");
    Set<String> names = new TreeSet<>();
    String inPackage = null;
    for (String line : markdown.lines().toList()) {
      Matcher first = row.matcher(line);
      Matcher title = heading.matcher(line);
      if (title.matches()) {
        inPackage = title.group(1);
      } else if (inPackage != null && first.matches()) {
        for (String name : first.group(1).replace("`", "").split(", ")) {
          names.add(inPackage + "." + name);
        }
      }
    }
    return names;
  }

  private static boolean saysSince(String name, String source) {
    Matcher declaration =
        Pattern.compile(
                "^public .*\\b(class|interface|record|enum) " + name + "\\b", Pattern.MULTILINE)
            .matcher(source);
    assertThat(declaration.find()).as(name).isTrue();
    return SINCE.matcher(source.substring(0, declaration.start())).find();
  }

  /** The public types in the packages that the modules export to everybody. */
  private static List<Class<?>> publicTypes() throws Exception {
    List<Class<?>> types = new ArrayList<>();
    for (String module : MODULES) {
      Path classes = ROOT.resolve(module).resolve("target/classes");
      for (ModuleDescriptor.Exports exports : descriptor(classes).exports()) {
        if (!exports.isQualified()) {
          Path directory = classes.resolve(exports.source().replace('.', '/'));
          try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*.class")) {
            for (Path file : files) {
              String name = file.getFileName().toString().replaceFirst("\\.class$", "");
              Class<?> type =
                  Class.forName(
                      exports.source() + "." + name, false, ApiDocumentTest.class.getClassLoader());
              if (isPublic(type)) {
                types.add(type);
              }
            }
          }
        }
      }
    }
    return types;
  }

  private static boolean isPublic(Class<?> type) {
    if (type.isSynthetic() || type.getCanonicalName() == null) {
      return false;
    }
    return Modifier.isPublic(type.getModifiers())
        && (type.getEnclosingClass() == null || isPublic(type.getEnclosingClass()));
  }

  private static ModuleDescriptor descriptor(Path classes) throws IOException {
    try (InputStream in = Files.newInputStream(classes.resolve("module-info.class"))) {
      return ModuleDescriptor.read(in);
    }
  }

  private static String source(Class<?> type) throws IOException {
    String file = "src/main/java/" + type.getName().replace('.', '/') + ".java";
    for (String module : MODULES) {
      Path path = ROOT.resolve(module).resolve(file);
      if (Files.exists(path)) {
        return Files.readString(path);
      }
    }
    throw new AssertionError("no source of " + type);
  }
}
