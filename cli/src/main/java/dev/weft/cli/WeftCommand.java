package dev.weft.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code weft} without a command: the page of help. */
@Command(
    name = "weft",
    mixinStandardHelpOptions = true,
    versionProvider = WeftCommand.Version.class,
    header = "Reproducible random weights at the speed of the hardware.",
    synopsisHeading = "%nUsage: ",
    synopsisSubcommandLabel = "COMMAND",
    commandListHeading = "%nCommands:%n",
    optionListHeading = "%nOptions:%n",
    footerHeading = "%nExamples:%n",
    footer = {
      "  weft devices",
      "  weft plan",
      "  weft generate --init he_normal --shape 784,128 --seed 42 --out w.npy",
      "  weft generate --init bits --shape 1000000000 --out - | dieharder -g 200 -a",
      "  weft inspect w.npy --plot w.png",
      "  weft verify w.npy",
      "  weft train --data examples/digits.csv",
      "",
      "The same seed gives the same bytes on every backend, vector width and number of threads.",
      "",
      "Exit codes: 0 done, 1 input or output failed, 2 usage or bad input, 3 backend unavailable,",
      "4 out of memory, 5 a check found a mismatch."
    })
final class WeftCommand implements Callable<Integer> {
  private final Streams streams;
  @Spec private CommandSpec spec;

  WeftCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() {
    streams.print(spec.commandLine().getUsageMessage());
    return Exit.OK;
  }

  /** The version of weft and of the JVM. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
        "weft " + weft(), "JDK " + Runtime.version() + ", " + System.getProperty("os.arch")
      };
    }

    static String weft() {
      String version = Main.class.getPackage().getImplementationVersion();
      return version == null ? "development" : version;
    }
  }
}
