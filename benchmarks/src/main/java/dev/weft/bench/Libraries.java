package dev.weft.bench;

import dev.weft.Backend;
import dev.weft.compare.Missing;
import dev.weft.compare.Tasks;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The other libraries that cases ask for: what they are, what they run, and which are not here. */
final class Libraries {
  private final Map<String, PeerVersions.Word> words = new LinkedHashMap<>();
  private final Map<String, String> reasons = new LinkedHashMap<>();
  private final Map<String, String> ofWeft = new LinkedHashMap<>();

  private Libraries() {}

  /** Asks each, in a process of its own. */
  static Libraries of(List<Case> cases) throws IOException {
    Libraries all = new Libraries();
    List<String> names =
        cases.stream().map(Case::library).filter(Objects::nonNull).distinct().toList();
    for (String name : names) {
      try {
        all.words.put(name, PeerVersions.ask(name));
      } catch (IllegalStateException e) {
        all.reasons.put(name, e.getMessage());
      }
    }
    return all;
  }

  /** Whether a case can be run. */
  boolean has(Case each) {
    return !reasons.containsKey(each.library());
  }

  /** Versions, by the names that pages have for libraries. */
  Map<String, String> described() {
    Map<String, String> described = new LinkedHashMap<>();
    words.forEach((name, word) -> described.put(Tasks.library(name), word.version()));
    return described;
  }

  /** Those that cannot be loaded. */
  List<Missing> missing() {
    List<Missing> missing = new ArrayList<>();
    reasons.forEach((name, why) -> missing.add(new Missing(Tasks.library(name), "all", why)));
    return missing;
  }

  /** What runs a case, in the words of who does it; empty where nothing is known. */
  String ran(Case each) {
    if (each.library() != null) {
      return words.get(each.library()).ran();
    }
    String backend = each.params().get("backend");
    return backend == null || !each.contestant().startsWith("weft")
        ? ""
        : ofWeft.computeIfAbsent(backend, Libraries::ask);
  }

  private static String ask(String backend) {
    try (Backend opened = Backends.open(backend, 1)) {
      return PeerVersions.ran(opened);
    }
  }
}
