package dev.weft.cli;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.interop.IdxFile;
import dev.weft.interop.NpyFile;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.LongToDoubleFunction;

/**
 * Examples as files have them: a row of inputs and a class for each.
 *
 * @param inputs F32, finite, at least N rows of I; it must be closed
 * @param labels N classes, from 0 on
 */
record Examples(Tensor inputs, int[] labels) implements AutoCloseable {
  /** The fewest that can be divided. */
  static final int FEWEST = 5;

  private static final String DATA = "--data";
  private static final String LABELS = "--labels";

  /** The kinds of files, by the ends of their names. */
  private enum Kind {
    CSV(".csv"),
    NPY(".npy"),
    IDX("-ubyte", "-ubyte.gz", ".idx", ".idx.gz");

    final String[] ends;

    Kind(String... ends) {
      this.ends = ends;
    }

    static Kind of(String option, Path file) {
      String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
      StringBuilder all = new StringBuilder();
      for (Kind kind : values()) {
        if (kind == CSV && option.equals(LABELS)) {
          continue;
        }
        for (String end : kind.ends) {
          if (name.endsWith(end)) {
            return kind;
          }
          all.append(all.isEmpty() ? "" : ", ").append(end);
        }
      }
      throw UsageException.of(option, "need a name that ends in " + all, "file", file);
    }
  }

  /**
   * Reads the examples.
   *
   * @param labels null for {@code .csv}, whose last column holds them
   * @throws UsageException for a file that is not as it must be
   * @throws IOException if a file cannot be read
   */
  static Examples read(Backend backend, Path data, Path labels) throws IOException {
    Kind kind = Kind.of(DATA, data);
    if (kind == Kind.CSV && labels != null) {
      throw UsageException.of(
          LABELS, "need none with .csv, whose last column holds them", "labels", labels);
    }
    if (kind != Kind.CSV && labels == null) {
      throw UsageException.of(LABELS, "need a file of labels with data of this kind", "data", data);
    }
    if (kind == Kind.CSV) {
      return new Csv(data).read(backend);
    }
    try (Numbers inputs = Numbers.of(DATA, data);
        Numbers classes = Numbers.of(LABELS, labels)) {
      return of(backend, inputs, classes);
    }
  }

  @Override
  public void close() {
    inputs.close();
  }

  private static Examples of(Backend backend, Numbers data, Numbers labels) {
    Shape shape = data.shape;
    if (shape.rank() < 2) {
      throw UsageException.of(
          DATA, "need at least two dimensions [N, …]", "file", data.file, "shape", shape);
    }
    int count = requireCount(data.file, shape.dim(0));
    long width = shape.elements() / count;
    if (width == 0) {
      throw UsageException.of(DATA, "need at least one input", "file", data.file, "shape", shape);
    }
    int[] classes = classes(labels, count);
    Tensor inputs = backend.tensor(DType.F32, Shape.of(count, width));
    try {
      MemorySegment memory = inputs.segment();
      for (long i = 0; i < count * width; i++) {
        double value = data.element.applyAsDouble(i);
        if (!Float.isFinite((float) value)) {
          throw UsageException.of(
              DATA,
              "need finite numbers in the range of f32",
              "file",
              data.file,
              "example",
              i / width,
              "input",
              i % width,
              "value",
              value);
        }
        memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) value);
      }
      return new Examples(inputs, classes);
    } catch (RuntimeException e) {
      inputs.close();
      throw e;
    }
  }

  private static int[] classes(Numbers labels, int count) {
    if (labels.shape.rank() != 1 || labels.shape.dim(0) != count) {
      throw UsageException.of(
          LABELS,
          "need shape [" + count + "], a label for each example",
          "file",
          labels.file,
          "shape",
          labels.shape);
    }
    int[] classes = new int[count];
    for (int i = 0; i < count; i++) {
      double value = labels.element.applyAsDouble(i);
      if (!isClass(value)) {
        throw UsageException.of(
            LABELS,
            "need whole numbers from 0 on",
            "file",
            labels.file,
            "example",
            i,
            "value",
            value);
      }
      classes[i] = (int) value;
    }
    return classes;
  }

  private static int requireCount(Path file, long count) {
    if (count < FEWEST || count > Integer.MAX_VALUE - 8) {
      throw UsageException.of(
          DATA,
          "need " + FEWEST + " examples or more, below 2^31 - 8",
          "file",
          file,
          "examples",
          count);
    }
    return (int) count;
  }

  private static boolean isClass(double value) {
    return value >= 0 && value < Integer.MAX_VALUE && value == Math.rint(value);
  }

  /** An array of numbers in a file. */
  private record Numbers(Path file, Shape shape, LongToDoubleFunction element, Runnable release)
      implements AutoCloseable {
    static Numbers of(String option, Path file) throws IOException {
      if (Kind.of(option, file) == Kind.NPY) {
        NpyFile npy = NpyFile.open(file);
        return new Numbers(file, npy.tensor().shape(), npy.tensor()::get, npy::close);
      }
      IdxFile idx = IdxFile.read(file);
      return new Numbers(file, idx.shape(), idx::get, () -> {});
    }

    @Override
    public void close() {
      release.run();
    }
  }

  /**
   * Numbers separated by commas, an example a line, the last one its class. A first line without
   * any number is a header; blank lines are left out.
   */
  private static final class Csv {
    private final Path file;
    private long line;

    Csv(Path file) {
      this.file = file;
    }

    Examples read(Backend backend) throws IOException {
      int[] labels = new int[requireLines()];
      int count = 0;
      Tensor inputs = null;
      try (BufferedReader in =
          new BufferedReader(
              new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8))) {
        double[] row = new double[64];
        boolean first = true;
        int columns = 0;
        MemorySegment memory = null;
        for (String text = in.readLine(); text != null; text = in.readLine()) {
          line++;
          if (line == 1 && text.startsWith("\uFEFF")) {
            text = text.substring(1); // a byte order mark
          }
          if (text.isBlank()) {
            continue;
          }
          if (first && isHeader(text)) {
            first = false;
            continue;
          }
          first = false;
          int width = count == 0 ? count(text) : columns;
          row = row.length == width ? row : new double[width];
          parse(text, row);
          if (count == 0) {
            columns = width;
            if (mayHold(Files.size(file), labels.length, columns)) {
              inputs = backend.tensor(DType.F32, Shape.of(labels.length, columns - 1L));
              memory = inputs.segment();
            }
          }
          if (count == labels.length) {
            throw UsageException.of(DATA, "need a file that stays as it is", "file", file);
          }
          for (int i = 0; memory != null && i < columns - 1; i++) {
            memory.setAtIndex(
                ValueLayout.JAVA_FLOAT, (long) count * (columns - 1) + i, (float) row[i]);
          }
          labels[count++] = (int) row[columns - 1];
        }
        requireCount(file, count);
        if (inputs == null) {
          throw UsageException.of(DATA, "need a file that stays as it is", "file", file);
        }
        Examples read = new Examples(inputs, Arrays.copyOf(labels, count));
        inputs = null;
        return read;
      } finally {
        if (inputs != null) {
          inputs.close();
        }
      }
    }

    /**
     * Whether a file of so many bytes is long enough for so many lines of so many numbers, one of
     * which may be a header. If it is not, a line has another number of columns: it is found when
     * it is read, and no memory is taken for a table that is not there.
     */
    private static boolean mayHold(long bytes, int lines, int columns) {
      return (lines - 1L) * columns <= bytes / 2 + 1; // a digit and a comma or newline each
    }

    /** How many lines are not blank: as many as there are examples, or one more. */
    private int requireLines() throws IOException {
      long lines = 0;
      try (InputStream in = Files.newInputStream(file)) {
        byte[] bytes = new byte[1 << 16];
        boolean blank = true;
        boolean first = true;
        for (int length = in.read(bytes); length >= 0; length = in.read(bytes)) {
          if (first && length >= 2 && isUtf16(bytes)) {
            throw UsageException.of(DATA, "need UTF-8, and this is UTF-16", "file", file);
          }
          first = false;
          for (int i = 0; i < length; i++) {
            if (bytes[i] == '\n' || bytes[i] == '\r') {
              blank = true;
            } else if (blank && (bytes[i] & 0xFF) > ' ') {
              blank = false;
              lines++;
            }
          }
        }
      }
      return requireCount(file, lines);
    }

    private static boolean isUtf16(byte[] start) {
      int mark = (start[0] & 0xFF) << 8 | start[1] & 0xFF;
      return mark == 0xFEFF || mark == 0xFFFE || start[0] == 0 || start[1] == 0;
    }

    private static int count(String text) {
      int fields = 1;
      for (int at = text.indexOf(','); at >= 0; at = text.indexOf(',', at + 1)) {
        fields++;
      }
      return fields;
    }

    private static boolean isHeader(String text) {
      for (String field : text.split(",", -1)) {
        if (!Double.isNaN(number(field.strip()))) {
          return false;
        }
      }
      return true;
    }

    private void parse(String text, double[] row) {
      int columns = count(text);
      if (columns != row.length) {
        throw UsageException.of(
            DATA,
            "need " + row.length + " columns as in the lines before",
            "file",
            file,
            "line",
            line,
            "columns",
            columns);
      }
      if (columns < 2) {
        throw UsageException.of(
            DATA,
            "need inputs and a label, separated by commas",
            "file",
            file,
            "line",
            line,
            "columns",
            columns);
      }
      int begin = 0;
      for (int i = 0; i < columns; i++) {
        int comma = text.indexOf(',', begin);
        String field = text.substring(begin, comma < 0 ? text.length() : comma).strip();
        begin = comma + 1;
        row[i] = number(field);
        boolean label = i == columns - 1;
        if (label ? !isClass(row[i]) : !Float.isFinite((float) row[i])) {
          throw UsageException.of(
              DATA,
              label
                  ? "need a whole number from 0 on as the label"
                  : "need a finite number in the range of f32",
              "file",
              file,
              "line",
              line,
              "column",
              i + 1,
              "value",
              field.length() <= 40 ? field : field.substring(0, 40) + "…");
        }
      }
    }

    /** The number that is written in decimal; NaN for any other text. */
    private static double number(String field) {
      for (int i = 0; i < field.length(); i++) {
        char c = field.charAt(i);
        if (!(c >= '0' && c <= '9' || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E')) {
          return Double.NaN;
        }
      }
      try {
        return Double.parseDouble(field);
      } catch (NumberFormatException e) {
        return Double.NaN;
      }
    }
  }
}
