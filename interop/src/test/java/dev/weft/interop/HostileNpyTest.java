package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Shape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Headers that are not what the format demands are refused by name, and never anything else. */
class HostileNpyTest {
  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource(
      delimiterString = " => ",
      quoteCharacter = '~',
      value = {
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)} => Python objects",
        "{'descr': 'O', 'fortran_order': False, 'shape': (1,)} => Python objects",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)} => structured",
        "{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (1,)} => structured",
        "{'descr': '<f16', 'fortran_order': False, 'shape': (1,)} => a.astype('<f8')",
        "{'descr': '>c8', 'fortran_order': False, 'shape': (1,)} => np.stack([a.real, a.imag], -1)",
        "{'descr': '<U2', 'fortran_order': False, 'shape': (1,)} => not strings",
        "{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,)} => a.astype('<i8')",
        "{'descr': '|V8', 'fortran_order': False, 'shape': (1,)} => raw bytes",
        "{'descr': '', 'fortran_order': False, 'shape': (1,)} => need one of",
        "{'descr': '<i3', 'fortran_order': False, 'shape': (1,)} => need one of",
        "{'descr': '<<f4', 'fortran_order': False, 'shape': (2,)} => need one of",
        "{'descr': ur'<f4', 'fortran_order': False, 'shape': (2,)} => need '\"'",
        "{'descr': u '<f4', 'fortran_order': False, 'shape': (2,)} => need '\"'",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2l,)} => comma",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (L,)} => dimension from 0",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1, 3)} => as many bytes",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)} => True or False",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)} => dimension from 0",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2)} => tuple",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [2]} => '('",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2.0,)} => comma",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (,)} => dimension from 0",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)} => comma",
        "{'descr': '<f4', 'fortran_order': False, 'shape': ((2,),)} => dimension from 0",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,)} => dimension from 0",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807,)} => below 2^63 bytes",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)} => below 2^63 bytes",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2305843009213693954,)} => below 2^63 bytes",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} => as many bytes",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} => as many bytes",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0,)} => as many bytes",
        "{'descr': '<f4', 'fortran_order': False} => the keys descr",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)} => every key once",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1} => the keys descr",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x => nothing but spaces",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}{} => nothing but spaces",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,) => ','",
        "{'descr': '<f4', 'fortran_order': False 'shape': (2,)} => ','",
        "{'descr': '<f4 => closed string",
        "{'d\\x65scr': '<f4', 'fortran_order': False, 'shape': (2,)} => without escapes",
        "{{'descr': '<f4'}} => header",
        "__import__('os').system('true') => '{'",
        "~~ => '{'",
      })
  void badHeadersAreRefused(String header, String rule) throws IOException {
    Path file = write(npy(1, 0, header, 8));
    assertThatThrownBy(() -> NpyFile.open(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("file=" + file)
        .hasMessageContaining(rule);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }          \n",
        "{\"shape\":(2,),\"descr\":\"<f4\",\"fortran_order\":False}",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2, 1), }\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': ()}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 2,)}",
        "{u'descr': u'<f4', u'fortran_order': False, U\"shape\": (2,)}",
        "{'descr': '=f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': 'f4', 'fortran_order': False, 'shape': (1, 2)}",
        "{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1)}",
        "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2)}",
        "{'descr': '<u1', 'fortran_order': False, 'shape': (8,)}",
        "{'descr': '?', 'fortran_order': False, 'shape': (8,)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (2L, 4L)}",
      })
  void unusualButValidHeadersAreRead(String header) throws IOException {
    for (int version = 1; version <= 2; version++) {
      try (NpyFile file = NpyFile.open(write(npy(version, 0, header, 8)))) {
        assertThat(file.tensor().byteSize()).isEqualTo(8);
        assertThat(file.tensor().data().byteSize()).isEqualTo(8);
      }
    }
  }

  @Test
  void badBeginningsAreRefused() throws IOException {
    String good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}";
    byte[] valid = npy(1, 0, good, 8);
    for (int length = 0; length < valid.length; length++) {
      refuse(java.util.Arrays.copyOf(valid, length));
    }
    refuse(npy(0, 0, good, 8));
    refuse(npy(1, 1, good, 8));
    refuse(npy(4, 0, good, 8));
    refuse(npy(3, 1, good, 8));
    refuse(npy(3, 0, good.replace("2,", "2L,"), 8)); // version 3.0 is younger than Python 2
    refuse(npy(3, 0, good + "\u00FF", 8)); // no UTF-8
    refuse(npy(255, 255, good, 8));
    refuse(npy(1, 0, good, 9));
    refuse(npy(1, 0, good + " ".repeat(10_000), 8));
    refuse(npy(2, 0, good + " ".repeat(70_000), 8));
    byte[] endless = npy(2, 0, good, 8);
    endless[11] = (byte) 0xFF; // 4 GiB of header
    refuse(endless);
    byte[] magic = valid.clone();
    magic[0] = 'x';
    refuse(magic);
  }

  @Test
  void mutationsAreReadOrRefused() throws IOException {
    byte[] valid = npy(1, 0, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n", 8);
    Random random = new Random(2);
    int read = 0;
    for (int i = 0; i < 1500; i++) {
      byte[] mutant = mutate(valid, random, "{}()[]'\",:<>|f48u2OTrueFals0123456789-. \n\\\u00FF");
      Path file = write(mutant);
      try (NpyFile npy = NpyFile.open(file)) {
        assertThat(npy.tensor().byteSize()).isLessThan(mutant.length);
        read++;
      } catch (FormatException e) {
        assertThat(e.getMessage()).startsWith("npy: need ").hasSizeLessThan(600);
      }
    }
    assertThat(read).isBetween(1, 1499);
  }

  @Test
  void everyOrderIsReadRowMajor() throws IOException {
    Path big = write(npy(3, 0, "{'descr': '>i2', 'fortran_order': False, 'shape': (2, 2)}", 8));
    put(big, 8, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08);
    holds(big, 0x0102, 0x0304, 0x0506, 0x0708);
    Path columns = write(npy(1, 0, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 4)}", 8));
    put(columns, 8, 1, 5, 2, 6, 3, 7, 4, 8);
    holds(columns, 1, 2, 3, 4, 5, 6, 7, 8);
    Path cube = write(npy(1, 0, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2, 2)}", 8));
    put(cube, 8, 1, 5, 3, 7, 2, 6, 4, 8);
    holds(cube, 1, 2, 3, 4, 5, 6, 7, 8);
    Path both = write(npy(1, 0, "{'descr': '>u2', 'fortran_order': True, 'shape': (2, 2)}", 8));
    put(both, 8, 0, 1, 0, 3, 0, 2, 1, 0);
    holds(both, 1, 2, 3, 256);
    Path empty = write(npy(1, 0, "{'descr': '>f4', 'fortran_order': True, 'shape': (3, 0, 2)}", 0));
    holds(empty);
  }

  private static void holds(Path file, double... elements) throws IOException {
    try (NpyFile npy = NpyFile.open(file)) {
      double[] all = new double[elements.length];
      assertThat(npy.tensor().read(0, all)).isEqualTo(elements.length);
      assertThat(all).containsExactly(elements);
      for (int i = 0; i < elements.length; i++) {
        assertThat(npy.tensor().get(i)).isEqualTo(elements[i]);
      }
      byte[] bytes = new byte[(int) npy.tensor().byteSize()];
      npy.tensor().readBytes(0, MemorySegment.ofArray(bytes));
      assertThat(npy.tensor().data().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
    }
  }

  /** Replaces the last {@code count} bytes of a file. */
  private static void put(Path file, int count, int... bytes) throws IOException {
    byte[] all = Files.readAllBytes(file);
    for (int i = 0; i < count; i++) {
      all[all.length - count + i] = (byte) bytes[i];
    }
    Files.write(file, all);
  }

  @Test
  void namesEndInAnyCase() throws IOException {
    Path file = directory.resolve("A.NPY");
    Files.write(file, npy(1, 0, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8));
    try (TensorFile opened = TensorFile.open(file)) {
      assertThat(opened.tensors().getFirst().name()).isEqualTo("A");
    }
  }

  @Test
  void ranksAreBounded() throws IOException {
    String most = "1,".repeat(Shape.MAX_RANK);
    Path file =
        write(npy(1, 0, "{'descr': '<f8', 'fortran_order': True, 'shape': (" + most + ")}", 8));
    holds(file, 0);
    Path more =
        write(npy(1, 0, "{'descr': '<f8', 'fortran_order': False, 'shape': (" + most + "1)}", 8));
    assertThatThrownBy(() -> NpyFile.open(more))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("at most 64 dimensions")
        .hasMessageContaining("rank=65");
  }

  @Test
  void whatNumpyLacksIsRefusedWithTheRemedy() {
    assertThatThrownBy(() -> NpyFile.header(ElementType.BF16, Shape.of(2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(".safetensors or .bin")
        .hasMessageContaining("dtype=bf16");
    assertThatThrownBy(() -> NpyFile.header(ElementType.F32, Shape.of(new long[4000])))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** One to three bytes replaced, removed or doubled. */
  static byte[] mutate(byte[] valid, Random random, String alphabet) {
    byte[] bytes = valid;
    byte[] letters = alphabet.getBytes(StandardCharsets.ISO_8859_1);
    for (int n = 1 + random.nextInt(3); n > 0; n--) {
      int at = random.nextInt(bytes.length);
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.write(bytes, 0, at);
      switch (random.nextInt(4)) {
        case 0 -> out.write(random.nextInt(256));
        case 1 -> out.write(letters[random.nextInt(letters.length)]);
        case 2 -> {
          out.write(bytes[at]);
          out.write(letters[random.nextInt(letters.length)]);
        }
        default -> {}
      }
      out.write(bytes, at + 1, bytes.length - at - 1);
      bytes = out.toByteArray();
      if (bytes.length == 0) {
        break;
      }
    }
    return bytes;
  }

  private void refuse(byte[] content) throws IOException {
    Path file = write(content);
    assertThatThrownBy(() -> NpyFile.open(file)).isInstanceOf(FormatException.class);
  }

  private Path write(byte[] content) throws IOException {
    return Files.write(directory.resolve("a.npy"), content);
  }

  private static byte[] npy(int major, int minor, String header, int data) {
    byte[] text = header.getBytes(StandardCharsets.ISO_8859_1);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) major, (byte) minor});
    for (int i = 0; i < (major == 1 ? 2 : 4); i++) {
      out.write(text.length >> 8 * i);
    }
    out.writeBytes(text);
    out.writeBytes(new byte[data]);
    return out.toByteArray();
  }
}
