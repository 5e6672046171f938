package dev.weft.cli;

import dev.weft.BackendUnavailableException;
import dev.weft.DType;
import dev.weft.MemoryLimitException;
import dev.weft.Shape;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.internal.Checks;
import dev.weft.internal.Decimals;
import dev.weft.interop.FormatException;
import dev.weft.nn.Activation;
import dev.weft.random.StreamOrder;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The entry point of the command line. */
public final class Main {
  /** Set to {@code true}, it makes an unexpected failure print its stack trace. */
  static final String DEBUG_PROPERTY = "weft.debug";

  /** Where a backend of a GPU makes orthogonal matrices: only the CPU's bits are a receipt's. */
  static final String ORTHOGONAL_PROPERTY = "weft.gpu.orthogonal";

  private Main() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    Streams streams = Streams.ofProcess();
    Optional<String> other = Arguments.ofProcess(args);
    System.exit(
        other.isPresent()
            ? complain(streams, "weft", other.get(), Exit.USAGE)
            : run(streams, args));
  }

  /** Runs one command; returns its exit code. */
  static int run(Streams streams, String... args) {
    if (System.getProperty(ORTHOGONAL_PROPERTY) == null) {
      System.setProperty(ORTHOGONAL_PROPERTY, "cpu");
    }
    Optional<String> damaged = Arguments.damaged(args);
    if (damaged.isPresent()) {
      return complain(streams, "weft", damaged.get(), Exit.USAGE);
    }
    CommandLine weft = commandLine(streams);
    StringWriter help = new StringWriter();
    weft.setOut(new PrintWriter(help));
    try {
      int code = weft.execute(args);
      streams.print(help.toString());
      return code;
    } catch (RuntimeException | Error e) {
      boolean known = args.length > 0 && weft.getSubcommands().containsKey(args[0]);
      return fail(streams, known ? "weft " + args[0] : "weft", e);
    }
  }

  private static CommandLine commandLine(Streams streams) {
    CommandLine weft = new CommandLine(new WeftCommand(streams));
    weft.addSubcommand(new DevicesCommand(streams));
    weft.addSubcommand(new PlanCommand(streams));
    weft.addSubcommand(new GenerateCommand(streams));
    weft.addSubcommand(new ModelCommand(streams));
    weft.addSubcommand(new InspectCommand(streams));
    weft.addSubcommand(new VerifyCommand(streams));
    weft.addSubcommand(new TrainCommand(streams));
    weft.addSubcommand(new CompareCommand(streams));
    weft.addSubcommand(new ReportCommand(streams));
    weft.addSubcommand(new BenchCommand())
        .getSubcommands()
        .get("bench")
        .setUnmatchedOptionsArePositionalParams(true);
    weft.setExpandAtFiles(false);
    weft.setUsageHelpWidth(100);
    weft.registerConverter(Shape.class, Main::shape);
    weft.registerConverter(DType.class, DType::parse);
    weft.registerConverter(Layout.class, Layout::parse);
    weft.registerConverter(StreamOrder.class, Main::order);
    weft.registerConverter(InitializerSpec.class, InitializerSpec::parse);
    weft.registerConverter(Slice.class, Slice::parse);
    weft.registerConverter(Seed.class, Seed::parse);
    weft.registerConverter(Layers.class, Layers::parse);
    weft.registerConverter(Activation.class, Activation::parse);
    weft.registerConverter(OptimizerRule.class, OptimizerRule::parse);
    weft.registerConverter(Double.class, Decimals::real);
    weft.registerConverter(Integer.class, text -> (int) whole(text, Integer.MAX_VALUE));
    weft.registerConverter(Long.class, text -> whole(text, Long.MAX_VALUE));
    weft.setParameterExceptionHandler((e, args) -> usage(streams, e));
    weft.setExecutionExceptionHandler((e, command, parsed) -> fail(streams, name(command), e));
    return weft;
  }

  private static StreamOrder order(String text) {
    List<String> ids = new ArrayList<>();
    for (StreamOrder order : StreamOrder.values()) {
      if (order.id().equals(text)) {
        return order;
      }
      ids.add(order.id());
    }
    throw Checks.bad("order", "need one of " + String.join(", ", ids), "order", text);
  }

  /** At least one dimension: an empty text is more often a variable that is not set than rank 0. */
  private static Shape shape(String text) {
    if (text.isBlank()) {
      throw Checks.bad("shape", "need decimal numbers separated by commas", "shape", text);
    }
    return Shape.parse(text);
  }

  private static long whole(String text, long most) {
    try {
      long value = Decimals.whole(text);
      if (value >= 0 && value <= most) {
        return value;
      }
    } catch (NumberFormatException e) {
      // told below, as a number out of range is
    }
    throw new IllegalArgumentException("need a whole number 0 … " + most + ", got " + text);
  }

  /** Explains a failure of a command on one line; returns the exit code. */
  private static int fail(Streams streams, String command, Throwable failure) {
    String message = String.valueOf(failure.getMessage());
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof OutOfMemoryError error) {
        return complain(streams, command, "out of memory: " + Memory.explain(error), Exit.MEMORY);
      }
    }
    return switch (failure) {
      case ClosedPipeException e -> Exit.OK;
      case UsageException e -> complain(streams, command, message, Exit.USAGE);
      case MismatchException e -> complain(streams, command, message, Exit.MISMATCH);
      case BackendUnavailableException e -> {
        for (String line : UsageException.withoutOp("--backend", message).strip().split("\n")) {
          complain(streams, command, "--backend: " + line, Exit.UNAVAILABLE);
        }
        yield Exit.UNAVAILABLE;
      }
      case MemoryLimitException e ->
          complain(streams, command, "out of memory: " + message, Exit.MEMORY);
      case IllegalArgumentException e -> complain(streams, command, message, Exit.USAGE);
      case FormatException e -> complain(streams, command, message, Exit.USAGE);
      case IOException e -> complain(streams, command, message(e), Exit.FAILED);
      case UncheckedIOException e -> complain(streams, command, message(e.getCause()), Exit.FAILED);
      default -> {
        complain(streams, command, "unexpected failure: " + failure, Exit.FAILED);
        if (Boolean.getBoolean(DEBUG_PROPERTY)) {
          failure.printStackTrace(streams.err());
        }
        yield Exit.FAILED;
      }
    };
  }

  /** The message of {@code failure}; of some, the JDK's is a file's name alone. */
  private static String message(IOException failure) {
    return switch (failure) {
      case AccessDeniedException e -> e.getFile() + ": permission denied";
      case NoSuchFileException e -> e.getFile() + ": no such file";
      default -> String.valueOf(failure.getMessage());
    };
  }

  /** Explains a command line that does not parse; returns the exit code. */
  private static int usage(Streams streams, ParameterException failure) {
    String command = name(failure.getCommandLine());
    return complain(streams, command, explain(failure), Exit.USAGE);
  }

  private static String explain(ParameterException failure) {
    if (failure.getCause() instanceof IllegalArgumentException cause
        && failure.getArgSpec() != null) {
      String option = name(failure.getArgSpec());
      return option + ": " + UsageException.withoutOp(option, cause.getMessage());
    }
    return switch (failure) {
      case UnmatchedArgumentException e -> unmatched(e);
      case MissingParameterException e when !e.getMissing().isEmpty() ->
          e.getMessage().startsWith("Missing required") && !e.getMessage().contains(" for option ")
              ? e.getMissing().stream().map(Main::name).collect(Collectors.joining(", "))
                  + ": required, not given"
              : name(e.getMissing().getFirst()) + ": need a value, none given";
      case OverwrittenOptionException e ->
          name(e.getOverwritten()) + ": need it once, got it twice";
      default -> failure.getMessage();
    };
  }

  private static String unmatched(UnmatchedArgumentException failure) {
    CommandLine command = failure.getCommandLine();
    String first = failure.getUnmatched().getFirst();
    boolean option = first.startsWith("-") && first.length() > 1;
    if (!option && command.getParent() == null) {
      return first
          + ": unknown command; need one of "
          + String.join(", ", command.getSubcommands().keySet());
    }
    List<String> close = failure.getSuggestions();
    return first
        + (option ? ": unknown option" : ": one argument too many")
        + (option && !close.isEmpty() ? "; did you mean " + close.getFirst() + "?" : "")
        + "; see "
        + name(command)
        + " --help";
  }

  private static int complain(Streams streams, String command, String message, int code) {
    streams.complain(command + ": " + message);
    return code;
  }

  private static String name(CommandLine command) {
    return command.getCommandSpec().qualifiedName();
  }

  private static String name(ArgSpec arg) {
    return switch (arg) {
      case OptionSpec option -> option.longestName();
      case PositionalParamSpec positional -> positional.paramLabel();
      default -> arg.paramLabel();
    };
  }
}
