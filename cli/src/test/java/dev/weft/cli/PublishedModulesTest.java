package dev.weft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

/** What programs import: the list of weft's artifacts agrees with the modules that make them. */
class PublishedModulesTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
  private static final String SKIPPED = "/project/properties/maven.deploy.skip";

  @Test
  void theBomListsWhatIsPublished() throws Exception {
    TreeSet<String> published = new TreeSet<>();
    for (String module : texts(pom("."), "//modules/module")) {
      if (!module.equals("bom") && !texts(pom(module), SKIPPED).contains("true")) {
        published.addAll(texts(pom(module), "/project/artifactId"));
      }
    }
    assertThat(published).contains("weft-api", "weft-adapters").doesNotContain("weft-testkit");
    assertThat(texts(pom("bom"), "//dependency/artifactId"))
        .containsExactlyInAnyOrderElementsOf(published);
    assertThat(texts(pom("bom"), "//dependency/version"))
        .hasSameSizeAs(published)
        .containsOnly("${project.version}");
  }

  @Test
  void allHaveOneVersion() throws Exception {
    List<String> version = texts(pom("."), "/project/version");
    assertThat(texts(pom("bom"), "/project/version")).isEqualTo(version);
    for (String sample : List.of("classpath-maven", "modulepath", "scalar", "jlink")) {
      assertThat(texts(pom("samples/" + sample), "//dependency[artifactId='weft-bom']/version"))
          .isEqualTo(version);
    }
  }

  private static Document pom(String directory) throws Exception {
    Path file = ROOT.resolve(directory).resolve("pom.xml");
    return DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder().parse(file.toFile());
  }

  /** The texts of what {@code path}, without namespaces, finds. */
  private static List<String> texts(Document pom, String path) throws Exception {
    XPath xpath = XPathFactory.newDefaultInstance().newXPath();
    NodeList found = (NodeList) xpath.evaluate(path, pom, XPathConstants.NODESET);
    return IntStream.range(0, found.getLength())
        .mapToObj(i -> found.item(i).getTextContent().strip())
        .toList();
  }
}
