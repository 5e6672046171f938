package dev.weft.cli;

import dev.weft.BackendInfo;
import dev.weft.Probe;
import dev.weft.Weft;
import dev.weft.compare.Machine;
import dev.weft.interop.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code weft devices}: every backend, whether it can run here, and if not, why and the remedy. */
@Command(
    name = "devices",
    mixinStandardHelpOptions = true,
    description = "Lists the backends: available, or why not and what to do.")
final class DevicesCommand implements Callable<Integer> {
  private final Streams streams;

  @Option(names = "--json", description = "write JSON")
  private boolean json;

  DevicesCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() {
    Machine machine = Machine.here();
    List<BackendInfo> backends = Weft.backends();
    if (json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("machine", Facts.of(machine));
      result.put("default", Weft.defaultName());
      result.put("backends", backends.stream().map(Facts::of).toList());
      streams.print(Json.writePretty(result));
      return Exit.OK;
    }
    Table backendTable = new Table("backend", "state", "device");
    StringBuilder notes = new StringBuilder();
    for (BackendInfo info : backends) {
      Probe probe = info.probe();
      String state = probe.available() ? "available" : "unavailable";
      backendTable.row(info.name(), state, probe.detail());
      if (!probe.reason().isEmpty()) {
        String reason = Printable.line(info.name() + ": " + probe.reason());
        String remedy = Printable.line(probe.remedy());
        notes.append('\n').append(reason).append('\n');
        notes.append(remedy.isEmpty() ? "" : "  remedy: " + remedy + "\n");
      }
    }
    Table machineTable = new Table("machine", "");
    machineTable.row("cpu", machine.cpu());
    machineTable.row("simd", String.join(" ", machine.simd()));
    machineTable.row("threads", machine.processors());
    machineTable.row("memory", Units.bytes(machine.memoryBytes()));
    machineTable.row("os", machine.os() + " " + System.getProperty("os.arch"));
    machineTable.row("jdk", machine.jdk());
    streams.print(machineTable + "\n" + backendTable + notes);
    return Exit.OK;
  }
}
