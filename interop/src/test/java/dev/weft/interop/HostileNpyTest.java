package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Shape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
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
        "{'descr': '>f4', 'fortran_order': False, 'shape': (2,)} => astype('<f4')",
        "{'descr': '>f8', 'fortran_order': False, 'shape': (1,)} => astype('<f8')",
        "{'descr': '<f16', 'fortran_order': False, 'shape': (1,)} => need one of",
        "{'descr': '<U2', 'fortran_order': False, 'shape': (1,)} => need one of",
        "{'descr': '|V8', 'fortran_order': False, 'shape': (1,)} => need one of",
        "{'descr': '', 'fortran_order': False, 'shape': (1,)} => need one of",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1, 2)} => row-major",
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
      })
  void unusualButValidHeadersAreRead(String header) throws IOException {
    for (int version = 1; version <= 2; version++) {
      try (NpyFile file = NpyFile.open(write(npy(version, 0, header, 8)))) {
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
    refuse(npy(3, 0, good, 8));
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
        assertThat(npy.tensor().data().byteSize()).isLessThan(mutant.length);
        read++;
      } catch (FormatException e) {
        assertThat(e.getMessage()).startsWith("npy: need ").hasSizeLessThan(600);
      }
    }
    assertThat(read).isBetween(1, 1499);
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
