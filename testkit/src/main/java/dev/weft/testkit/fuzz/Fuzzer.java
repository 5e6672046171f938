package dev.weft.testkit.fuzz;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * Mutates small inputs, and holds a {@link Parser} to these rules for each of them.
 *
 * <ul>
 *   <li>It reads the input, or throws an exception of {@link #refusing}; never another exception,
 *       nor an Error.
 *   <li>The message of a refusal is of bounded length, and holds {@link #saying}.
 *   <li>Processor time and heap are within {@link Limits}, in proportion to the input.
 * </ul>
 *
 * <p>The inputs depend on the seed alone. A fault is an {@link AssertionError} with the seed, the
 * input in base64, and a shorter one that shows the same.
 */
public final class Fuzzer {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private static final String TIME = "time";
  private static final String MEMORY = "memory";

  /** Of a refusal's message. */
  private static final int MOST_CHARACTERS = 4000;

  /** Runs again before a cost counts: the first may load classes, or wait for a page. */
  private static final int REPEATS = 2;

  private static final int ATTEMPTS_TO_CUT = 3000;

  /** Of base64; a longer input is cut off there. */
  private static final int MOST_BASE64 = 8000;

  /** An input that uses no processor for so long waits for something. */
  private static final long STILL_SECONDS = 300;

  private final String target;
  private final Parser parser;
  private final List<byte[]> seeds = new ArrayList<>();
  private final List<String> tokens = new ArrayList<>();
  private List<Class<? extends Exception>> refusals = List.of();
  private String phrase = "need ";
  private Limits limits = Limits.PARSER;

  private Fuzzer(String target, Parser parser) {
    this.target = target;
    this.parser = parser;
  }

  /** A fuzzer of {@code parser}. */
  public static Fuzzer of(String target, Parser parser) {
    return new Fuzzer(target, parser);
  }

  /** Adds an input to begin with; it is checked as it is, too. */
  public Fuzzer seed(byte[] input) {
    seeds.add(input);
    return this;
  }

  /** Adds words of the format. */
  public Fuzzer tokens(String... words) {
    tokens.addAll(List.of(words));
    return this;
  }

  /** The exceptions that refuse an input; subclasses are of them. */
  @SafeVarargs
  @SuppressWarnings("varargs") // it is read alone
  public final Fuzzer refusing(Class<? extends Exception>... exceptions) {
    refusals = List.of(exceptions);
    return this;
  }

  /** What a refusal's message holds, {@code "need "} unless it is set. */
  public Fuzzer saying(String part) {
    phrase = part;
    return this;
  }

  /** Other limits than {@link Limits#PARSER}. */
  public Fuzzer within(Limits other) {
    limits = other;
    return this;
  }

  /**
   * Checks the seeds and then mutations of them.
   *
   * @throws AssertionError for the first fault
   */
  public Report run(Effort effort) {
    Run run = new Run(effort);
    Thread worker = Thread.ofPlatform().daemon().name("fuzz " + target).unstarted(run);
    worker.start();
    watch(worker, run);
    if (run.failure != null) {
      throw run.failure;
    }
    return new Report(target, effort.seed(), run.seedsRead, run.inputs, run.read);
  }

  /** Waits for the run, and gives up an input that does not end. */
  private void watch(Thread worker, Run run) {
    long last = 0;
    long since = System.nanoTime();
    try {
      while (!worker.join(Duration.ofMillis(20))) {
        Running now = run.running;
        if (now == null || now.number != last) {
          last = now == null ? 0 : now.number;
          since = System.nanoTime();
          continue;
        }
        long used = THREADS.getThreadCpuTime(worker.threadId()) - now.begin;
        boolean busy = used > limits.hangNanosFor(now.input.length);
        boolean still = System.nanoTime() - since > STILL_SECONDS * 1_000_000_000L;
        if ((busy || still) && run.running == now) {
          AssertionError failure =
              new AssertionError(
                  message("does not end", now.input, run.effort.seed(), run.inputs)
                      + "; not cut down");
          failure.setStackTrace(worker.getStackTrace());
          throw failure;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("fuzz " + target + " was interrupted", e);
    } finally {
      worker.interrupt();
    }
  }

  /** An input that is being read. */
  private record Running(long number, byte[] input, long begin) {}

  /** The work of one thread. */
  private final class Run implements Runnable {
    private final Effort effort;
    private volatile Running running;
    private volatile long inputs;
    private long seedsRead;
    private long read;
    private long number;
    private AssertionError failure;

    Run(Effort effort) {
      this.effort = effort;
    }

    @Override
    public void run() {
      try {
        for (byte[] seed : seeds) {
          seedsRead += check(seed) ? 1 : 0;
        }
        Mutator mutator = new Mutator(effort.seed(), seeds, tokens);
        long begin = System.nanoTime();
        while (inputs < effort.inputs() && System.nanoTime() - begin < effort.nanos()) {
          byte[] input = mutator.next();
          inputs++;
          if (check(input)) {
            read++;
            mutator.keep(input);
          }
        }
      } catch (AssertionError e) {
        failure = e;
      } catch (Throwable e) {
        failure = new AssertionError("fuzz " + target + ": the fuzzer itself failed", e);
      }
    }

    /** Whether the input was read; throws for a fault. */
    private boolean check(byte[] input) {
      Trial trial = trial(input);
      if (trial.fault == null) {
        return trial.read;
      }
      String kind = trial.fault.kind();
      byte[] least =
          Minimizer.cut(
              input,
              shorter -> {
                Fault fault = trial(shorter).fault;
                return fault != null && fault.kind().equals(kind);
              },
              kind.equals(TIME) ? REPEATS : ATTEMPTS_TO_CUT);
      throw new AssertionError(
          message(trial.fault.detail(), input, effort.seed(), inputs)
              + "; cut down to "
              + least.length
              + " bytes="
              + base64(least),
          trial.fault.cause());
    }

    private Trial trial(byte[] input) {
      Trial trial = once(input);
      for (int i = 0; i < REPEATS && trial.fault != null && trial.fault.cause() == null; i++) {
        trial = once(input);
      }
      return trial;
    }

    private Trial once(byte[] input) {
      long allocated = THREADS.getCurrentThreadAllocatedBytes();
      long begin = THREADS.getCurrentThreadCpuTime();
      running = new Running(++number, input, begin);
      boolean read = false;
      Fault fault = null;
      try {
        parser.parse(input.clone());
        read = true;
      } catch (Throwable e) {
        fault = judge(e);
      }
      running = null;
      long nanos = THREADS.getCurrentThreadCpuTime() - begin;
      long bytes = THREADS.getCurrentThreadAllocatedBytes() - allocated;
      if (fault == null && nanos > limits.nanosFor(input.length)) {
        fault = new Fault(TIME, "took " + nanos / 1_000_000 + " ms of processor time", null);
      }
      if (fault == null && bytes > limits.bytesFor(input.length)) {
        fault = new Fault(MEMORY, "allocated " + bytes + " bytes of the heap", null);
      }
      return new Trial(read, fault);
    }
  }

  private record Trial(boolean read, Fault fault) {}

  /** The rule that {@code thrown} breaks; null if it is a refusal. */
  private Fault judge(Throwable thrown) {
    if (refusals.stream().noneMatch(refusal -> refusal.isInstance(thrown))) {
      return Fault.thrown(thrown);
    }
    String message = String.valueOf(thrown.getMessage());
    if (message.length() > MOST_CHARACTERS || !message.contains(phrase)) {
      String shown = message.length() <= 200 ? message : message.substring(0, 200) + "…";
      String rule =
          "a message of " + message.length() + " characters, which has to hold '" + phrase + "'";
      return new Fault("message " + thrown.getClass().getName(), rule + ": " + shown, thrown);
    }
    return null;
  }

  private String message(String what, byte[] input, long seed, long number) {
    return "fuzz "
        + target
        + ": "
        + what
        + "; seed="
        + seed
        + ", input="
        + number
        + ", "
        + input.length
        + " bytes="
        + base64(input);
  }

  private static String base64(byte[] input) {
    String text = Base64.getEncoder().encodeToString(input);
    return text.length() <= MOST_BASE64 ? text : text.substring(0, MOST_BASE64) + "…";
  }
}
