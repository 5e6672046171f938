package dev.weft.cli;

import dev.weft.Backend;
import dev.weft.internal.Checks;
import dev.weft.interop.Json;
import dev.weft.interop.StoredTensor;
import dev.weft.interop.TensorFile;
import dev.weft.interop.Verification;
import dev.weft.interop.Verification.Outcome;
import dev.weft.interop.Verifier;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weft verify}: recomputes a file from its receipts and compares. */
@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Recomputes every tensor of a file from its receipt and compares byte for byte.",
    footer = {
      "",
      "Exit codes: 0 every byte is as the receipt says, 5 one is not (the first is named),",
      "2 a tensor has no receipt, or its receipt takes more work than --limit allows."
    })
final class VerifyCommand implements Callable<Integer> {
  private static final MathContext UP = new MathContext(3, RoundingMode.CEILING);

  private final Streams streams;

  @Parameters(
      paramLabel = "FILE",
      description = "FILE.npy, FILE.safetensors, FILE.safetensors.index.json")
  private String name;

  @Mixin private BackendOption backend;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description =
          "the most floating-point operations; default 2e10 and 32768 for each byte of the tensors")
  private Double limit;

  @Option(names = "--json", description = "write JSON")
  private boolean json;

  VerifyCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    long begin = System.nanoTime();
    try (TensorFile file = Names.open(streams, "weft verify", name)) {
      double most = limit == null ? Verifier.fairWork(file) : limit;
      double work = Verifier.work(file);
      if (work > most) {
        throw UsageException.of(
            "--limit",
            "need a limit of as many floating-point operations as the receipts take",
            "operations",
            new BigDecimal(work).round(UP),
            "limit",
            new BigDecimal(most).round(new MathContext(3)),
            "file",
            name);
      }
      return verify(file, most, begin);
    }
  }

  private int verify(TensorFile file, double most, long begin) throws IOException {
    try (Backend opened = backend.open()) {
      long bytes = file.tensors().stream().mapToLong(StoredTensor::byteSize).sum();
      List<Verification> verdicts;
      try (ProgressBar bar = new ProgressBar(streams, "verify", bytes)) {
        verdicts = Verifier.verify(opened, file, most, (tensors, done) -> bar.at(done));
      }
      double seconds = (System.nanoTime() - begin) * 1e-9;
      streams.print(
          json
              ? Json.writePretty(facts(opened, file, verdicts, bytes, seconds))
              : text(verdicts, bytes));
      return judge(verdicts);
    }
  }

  private int judge(List<Verification> verdicts) {
    for (Verification verdict : verdicts) {
      if (verdict.outcome() == Outcome.DIFFERENT) {
        throw new MismatchException(
            name
                + ": tensor "
                + Checks.cut(verdict.tensor(), 100)
                + " differs: "
                + verdict.detail());
      }
    }
    for (Verification verdict : verdicts) {
      if (verdict.outcome() == Outcome.NO_RECEIPT) {
        throw UsageException.of(
            "FILE",
            "need a receipt for every tensor",
            "file",
            name,
            "tensor",
            Checks.cut(verdict.tensor(), 100));
      }
    }
    return Exit.OK;
  }

  private static String text(List<Verification> verdicts, long bytes) {
    Table table = new Table("tensor", "verdict", "");
    long matches = 0;
    for (Verification verdict : verdicts) {
      table.row(verdict.tensor(), word(verdict), verdict.detail());
      matches += verdict.outcome() == Outcome.MATCH ? 1 : 0;
    }
    return Units.format(
        "%s%d of %d tensors match their receipts, %s\n",
        table, matches, verdicts.size(), Units.bytes(bytes));
  }

  private static String word(Verification verdict) {
    return verdict.outcome().name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private Map<String, Object> facts(
      Backend opened, TensorFile file, List<Verification> verdicts, long bytes, double seconds)
      throws IOException {
    List<Object> tensors = new ArrayList<>();
    for (Verification verdict : verdicts) {
      StoredTensor tensor = file.tensor(verdict.tensor()).orElseThrow();
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("tensor", verdict.tensor());
      facts.put("dtype", tensor.typeName());
      facts.put("shape", Units.dims(tensor.shape()));
      facts.put("verdict", word(verdict));
      facts.put("element", verdict.element() < 0 ? null : verdict.element());
      facts.put("detail", verdict.detail());
      facts.put("receipt", file.receipt(verdict.tensor()).map(it -> it.toMap()).orElse(null));
      tensors.add(facts);
    }
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("file", name);
    facts.put("tensors", tensors);
    facts.put("bytes", bytes);
    facts.putAll(Facts.of(opened));
    facts.put("seconds", seconds);
    return facts;
  }
}
