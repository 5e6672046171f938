package dev.weft.interop;

import dev.weft.Shape;
import dev.weft.internal.Checks;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An open {@code .npy} file: one tensor, versions 1.0, 2.0 and 3.0 of the format.
 *
 * <p>Elements are bool, integers of 8 to 64 bits, f16, f32 and f64. Big-endian ones and
 * column-major order are handed out little-endian and row-major; see {@link StoredTensor}.
 *
 * <p>Refused, with what converts it: objects, strings, complex numbers and structured types; a
 * header over 10 000 bytes; more than {@value Shape#MAX_RANK} dimensions; data that are not exactly
 * the shape's.
 *
 * @see <a href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">The
 *     format</a>
 * @since 0.1
 */
public final class NpyFile implements TensorFile {
  private static final String OP = "npy";
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final int MAX_HEADER = 10_000;
  private static final int ALIGNMENT = 64;

  private final Path path;
  private final InputFile file;
  private final StoredTensor tensor;

  private NpyFile(Path path, InputFile file, StoredTensor tensor) {
    this.path = path;
    this.file = file;
    this.tensor = tensor;
  }

  /**
   * Opens {@code path}.
   *
   * @throws FormatException {@code npy: need …, got file=…}
   * @throws IOException if it cannot be read
   */
  public static NpyFile open(Path path) throws IOException {
    InputFile file = new InputFile(path);
    try {
      return new NpyFile(path, file, new Header(path, file).tensor());
    } catch (IOException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  @Override
  public Path path() {
    return path;
  }

  /** The one tensor. */
  public StoredTensor tensor() {
    return tensor;
  }

  @Override
  public List<StoredTensor> tensors() {
    return List.of(tensor);
  }

  @Override
  public Optional<StoredTensor> tensor(String name) {
    return name.equals(tensor.name()) ? Optional.of(tensor) : Optional.empty();
  }

  @Override
  public Map<String, String> metadata() {
    return Map.of();
  }

  /** The receipt in {@code FILE.npy.json}. */
  @Override
  public Optional<Receipt> receipt(String name) throws IOException {
    Path receipt = receiptPath(path);
    if (!name.equals(tensor.name()) || !Files.exists(receipt)) {
      return Optional.empty();
    }
    return Optional.of(Receipt.parse(receipt.toString(), Texts.read(receipt)));
  }

  @Override
  public void close() {
    file.close();
  }

  /** Where the receipt of {@code npy} is: beside it, {@code FILE.npy.json}. */
  static Path receiptPath(Path npy) {
    return npy.resolveSibling(npy.getFileName() + ".json");
  }

  /**
   * The bytes before the data of a file, a multiple of 64.
   *
   * @throws IllegalArgumentException if the type has no name in NumPy, or for thousands of
   *     dimensions
   */
  static byte[] header(ElementType type, Shape shape) {
    String descr =
        type.npyName()
            .orElseThrow(
                () ->
                    Checks.bad(
                        OP,
                        "need a type that NumPy has (write .safetensors or .bin instead)",
                        "dtype",
                        type.name().toLowerCase(java.util.Locale.ROOT)));
    StringBuilder text = new StringBuilder("{'descr': '" + descr + "', 'fortran_order': False, ");
    text.append("'shape': (");
    long[] dims = shape.dims();
    for (int i = 0; i < dims.length; i++) {
      text.append(i == 0 ? "" : ", ").append(dims[i]);
    }
    text.append(dims.length == 1 ? ",), }" : "), }");
    int before = MAGIC.length + 4;
    int length = (before + text.length() + ALIGNMENT) / ALIGNMENT * ALIGNMENT; // one more for \n
    if (length - before > MAX_HEADER) {
      throw Checks.bad(
          OP, "need a header of at most " + MAX_HEADER + " bytes", "rank", dims.length);
    }
    byte[] header = new byte[length];
    Arrays.fill(header, (byte) ' ');
    System.arraycopy(MAGIC, 0, header, 0, MAGIC.length);
    header[6] = 1;
    header[7] = 0;
    header[8] = (byte) (length - before);
    header[9] = (byte) (length - before >> 8);
    byte[] ascii = text.toString().getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(ascii, 0, header, before, ascii.length);
    header[length - 1] = '\n';
    return header;
  }

  /** Reads the header: a Python literal of a dict with the keys descr, fortran_order and shape. */
  private static final class Header {
    private final Path path;
    private final InputFile file;
    private int major;
    private String text = "";
    private int at;
    private String descr;
    private Boolean columnMajor;
    private long[] dims;

    Header(Path path, InputFile file) {
      this.path = path;
      this.file = file;
    }

    StoredTensor tensor() throws IOException {
      long size = file.byteSize();
      byte[] start = file.bytes(0, (int) Math.min(size, 12));
      if (start.length < 10 || !Arrays.equals(start, 0, 6, MAGIC, 0, 6)) {
        throw bad("a file that begins with \\x93NUMPY", "bytes", size);
      }
      major = start[6] & 0xFF;
      int minor = start[7] & 0xFF;
      if (major < 1 || major > 3 || minor != 0) {
        throw bad("version 1.0, 2.0 or 3.0", "version", major + "." + minor);
      }
      int before = major == 1 ? 10 : 12;
      long length = start[8] & 0xFF | (start[9] & 0xFF) << 8;
      if (major > 1 && start.length == before) {
        length |= (start[10] & 0xFFL) << 16 | (start[11] & 0xFFL) << 24;
      }
      if (length > MAX_HEADER) {
        throw bad("a header of at most " + MAX_HEADER + " bytes", "header", length);
      }
      if (before + length > size) {
        throw bad("the whole header", "header", length, "bytes", size);
      }
      text = text(file.bytes(before, (int) length));
      dict();
      ElementType type = type();
      Shape shape = shape(type);
      long needed = shape.elements() * type.byteSize();
      long offset = before + length;
      if (size - offset != needed) {
        throw bad(
            "as many bytes of data as the shape has",
            "shape",
            shape,
            "descr",
            descr,
            "needed",
            needed,
            "data",
            size - offset);
      }
      String name = path.getFileName().toString();
      long wide = Arrays.stream(dims).filter(dim -> dim > 1).count();
      return new StoredTensor(
          Texts.endsWith(name, ".npy") ? name.substring(0, name.length() - 4) : name,
          descr,
          type,
          shape,
          file,
          offset,
          needed,
          new StoredTensor.Order(
              descr.startsWith(">") && type.byteSize() > 1, columnMajor && wide > 1));
    }

    private String text(byte[] bytes) throws FormatException {
      if (major < 3) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
      }
      try {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      } catch (CharacterCodingException e) {
        throw bad("a header in UTF-8, as version 3.0 has it", "header", bytes.length);
      }
    }

    private void dict() throws FormatException {
      expect('{');
      while (!peek('}')) {
        String key = string();
        expect(':');
        boolean again =
            switch (key) {
              case "descr" -> descr != null;
              case "fortran_order" -> columnMajor != null;
              case "shape" -> dims != null;
              default ->
                  throw bad("the keys descr, fortran_order and shape", "key", Texts.shorten(key));
            };
        if (again) {
          throw bad("every key once", "key", key);
        }
        switch (key) {
          case "descr" -> descr = descr();
          case "fortran_order" -> columnMajor = bool();
          default -> dims = tuple();
        }
        if (!peek('}')) {
          expect(',');
        }
      }
      expect('}');
      skipSpace();
      if (at != text.length()) {
        throw bad("nothing but spaces after the dict", "at", at);
      }
      if (descr == null || columnMajor == null || dims == null) {
        throw bad("the keys descr, fortran_order and shape", "header", Texts.shorten(text.strip()));
      }
    }

    private String descr() throws FormatException {
      if (peek('[') || peek('(') || peek('{')) {
        throw bad(
            "a plain element type, not a structured one (in NumPy: np.save(file, a['FIELD']))",
            "at",
            at);
      }
      return string();
    }

    /** The type; the byte order before it is another matter, and may be left out. */
    private ElementType type() throws FormatException {
      boolean ordered = !descr.isEmpty() && "<>=|".indexOf(descr.charAt(0)) >= 0;
      String plain = ordered ? descr.substring(1) : descr;
      for (String order : List.of("<", "|")) {
        Optional<ElementType> type = ElementType.ofNpy(order + plain);
        if (type.isPresent()) {
          return type.get();
        }
      }
      if (plain.equals("?")) {
        return ElementType.BOOL;
      }
      String remedy =
          switch (plain.isEmpty() ? ' ' : plain.charAt(0)) {
            case 'O' ->
                "numbers, not Python objects (in NumPy:"
                    + " np.save(file, np.load(file, allow_pickle=True).astype('<f4')))";
            case 'c' ->
                "real numbers, not complex ones (in NumPy:"
                    + " np.save(file, np.stack([a.real, a.imag], -1)))";
            case 'U', 'S', 'a' -> "numbers, not strings (in NumPy: np.save(file, a.astype('<f4')))";
            case 'M', 'm' -> "numbers, not times (in NumPy: np.save(file, a.astype('<i8')))";
            case 'f' -> "floats of 2, 4 or 8 bytes (in NumPy: np.save(file, a.astype('<f8')))";
            case 'V' ->
                "a type that NumPy has, not raw bytes (of bfloat16, with ml_dtypes:"
                    + " np.save(file, a.view('bfloat16').astype('<f4')))";
            default -> "one of f2, f4, f8, b1, i1, u1, i2, …, u8 after the byte order";
          };
      throw bad(remedy, "descr", Texts.shorten(descr));
    }

    private Shape shape(ElementType type) throws FormatException {
      if (dims.length > Shape.MAX_RANK) {
        throw bad("at most " + Shape.MAX_RANK + " dimensions", "rank", dims.length);
      }
      try {
        Shape shape = Shape.of(dims);
        Math.multiplyExact(shape.elements(), (long) type.byteSize());
        return shape;
      } catch (IllegalArgumentException | ArithmeticException e) {
        throw bad("a shape below 2^63 bytes", "shape", Texts.shorten(Arrays.toString(dims)));
      }
    }

    private boolean bool() throws FormatException {
      skipSpace();
      for (boolean value : new boolean[] {true, false}) {
        String word = value ? "True" : "False";
        if (text.startsWith(word, at)) {
          at += word.length();
          return value;
        }
      }
      throw bad("True or False", "at", at);
    }

    private long[] tuple() throws FormatException {
      long[] out = new long[8];
      int count = 0;
      boolean comma = true;
      expect('(');
      while (!peek(')')) {
        if (!comma) {
          throw bad("a comma between dimensions", "at", at);
        }
        if (count == out.length) {
          out = Arrays.copyOf(out, 2 * count);
        }
        out[count++] = dimension();
        comma = peek(',');
        if (comma) {
          at++;
        }
      }
      expect(')');
      if (count == 1 && !comma) {
        throw bad("a tuple, such as (3,)", "at", at);
      }
      return Arrays.copyOf(out, count);
    }

    private long dimension() throws FormatException {
      skipSpace();
      int start = at;
      while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
        at++;
      }
      String digits = text.substring(start, at);
      if (major < 3 && at > start && at < text.length() && text.charAt(at) == 'L') {
        at++; // Python 2 wrote longs so
      }
      try {
        return Long.parseLong(digits);
      } catch (NumberFormatException e) {
        throw bad(
            "a dimension from 0 to 2^63 - 1", "dimension", Texts.shorten(digits), "at", start);
      }
    }

    private String string() throws FormatException {
      skipSpace();
      boolean marked = at + 1 < text.length() && "uU".indexOf(text.charAt(at)) >= 0;
      if (marked && "'\"".indexOf(text.charAt(at + 1)) >= 0) {
        at++; // Python 2's unicode
      }
      char quote = peek('\'') ? '\'' : '"';
      expect(quote);
      int end = text.indexOf(quote, at);
      if (end < 0 || text.substring(at, end).indexOf('\\') >= 0) {
        throw bad("a closed string without escapes", "at", at);
      }
      String string = text.substring(at, end);
      at = end + 1;
      return string;
    }

    private void expect(char c) throws FormatException {
      if (!peek(c)) {
        throw bad("'" + c + "' in the header", "at", at);
      }
      at++;
    }

    private boolean peek(char c) {
      skipSpace();
      return at < text.length() && text.charAt(at) == c;
    }

    private void skipSpace() {
      while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
        at++;
      }
    }

    private FormatException bad(String what, Object... namesAndValues) {
      Object[] all = new Object[namesAndValues.length + 2];
      all[0] = "file";
      all[1] = path;
      System.arraycopy(namesAndValues, 0, all, 2, namesAndValues.length);
      return new FormatException(OP, "need " + what, all);
    }
  }
}
