package dev.weft.cli;

import dev.weft.Backend;
import dev.weft.BackendInfo;
import dev.weft.Probe;
import dev.weft.compare.Machine;
import java.util.LinkedHashMap;
import java.util.Map;

/** What the JSON of several commands says of the machine and its backends. */
final class Facts {
  private Facts() {}

  /** A machine. */
  static Map<String, Object> of(Machine machine) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("cpu", machine.cpu());
    facts.put("arch", System.getProperty("os.arch"));
    facts.put("simd", machine.simd());
    facts.put("threads", machine.processors());
    facts.put("memory_bytes", machine.memoryBytes());
    facts.put("os", machine.os());
    facts.put("jdk", machine.jdk());
    return facts;
  }

  /** What a result was computed with: the backend, its device, the JDK. */
  static Map<String, Object> of(Backend backend) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("backend", backend.info().name());
    facts.put("device", backend.info().probe().detail());
    facts.put("jdk", Machine.jdkVersion());
    return facts;
  }

  /** A backend as {@code devices} lists it. */
  static Map<String, Object> of(BackendInfo info) {
    Probe probe = info.probe();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("name", info.name());
    facts.put("available", probe.available());
    facts.put("device", probe.detail());
    facts.put("reason", probe.reason());
    facts.put("remedy", probe.remedy());
    return facts;
  }
}
