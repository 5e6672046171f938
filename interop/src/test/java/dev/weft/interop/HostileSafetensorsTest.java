package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Shape;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Headers that break a rule of the format are refused, and nothing but the exception comes out. */
class HostileSafetensorsTest {
  @TempDir Path directory;

  /** In a header, A stands for {@code {"dtype":"F32","shape":[2],"data_offsets":[}; data: 16 bytes. */
  @ParameterizedTest
  @CsvSource(
      delimiterString = " => ",
      quoteCharacter = '~',
      value = {
        "{'a':A0,8]}} => up to the end",
        "{'a':A0,8]},'b':A8,16]},'c':A16,24]}} => within the file",
        "{'a':A0,8]},'b':A0,8]}} => hole or overlap",
        "{'a':A0,8]},'b':A4,12]}} => hole or overlap",
        "{'a':A0,8]},'b':A9,17]}} => hole or overlap",
        "{'a':A8,16]}} => hole or overlap",
        "{'a':A0,8]},'a':A8,16]}} => every key once",
        "{'__metadata__':{},'__metadata__':{},'a':A0,8]},'b':A8,16]}} => every key once",
        "{'a':A8,0]}} => data_offsets",
        "{'a':A-8,0]}} => whole numbers",
        "{'a':A0,4,8]}} => data_offsets",
        "{'a':A0]}} => data_offsets",
        "{'a':A0,8.0]}} => whole numbers",
        "{'a':A0,1e1]}} => whole numbers",
        "{'a':A0,'8']}} => whole numbers",
        "{'a':A0,9223372036854775808]}} => within ±2^63",
        "{'a':A0,16]}} => shape times type",
        "{'a':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,16]}} => below 2^63",
        "{'a':{'dtype':'F32','shape':[4611686018427387908],'data_offsets':[0,16]}} => below 2^63",
        "{'a':{'dtype':'F32','shape':[-4],'data_offsets':[0,16]}} => whole numbers",
        "{'a':{'dtype':'F32','shape':4,'data_offsets':[0,16]}} => whole numbers",
        "{'a':{'dtype':32,'shape':[4],'data_offsets':[0,16]}} => dtype, shape",
        "{'a':{'dtype':'F32','shape':[4]}} => dtype, shape",
        "{'a':{'dtype':'F32','shape':[4],'x':[0,16]}} => dtype, shape",
        "{'a':[]} => dtype, shape",
        "{'a':null} => dtype, shape",
        "{'__metadata__':{'k':1},'a':A0,8]},'b':A8,16]}} => texts in __metadata__",
        "{'__metadata__':{'k':{}},'a':A0,8]},'b':A8,16]}} => texts in __metadata__",
        "{'__metadata__':[],'a':A0,8]},'b':A8,16]}} => object of texts",
        "{'__metadata__':'x','a':A0,8]},'b':A8,16]}} => object of texts",
        "{} => up to the end",
        "[] => begins with {",
        "{'a':A0,8]},'b':A8,16]}}x => the end after",
        "{'a':A0,8]},'b':A8,16]},} => a key",
        "{'a':A0,8]},'b':A8,16]} => '}'",
        "{'a':A0,08]}} => ']'",
        "{'a':A0,+8]}} => a value",
        "{'a':NaN} => a value",
        "{'\\ud800':A0,8]}} => surrogates",
        "{'\\q':A0,8]}} => escape",
        "{'\\u12G4':A0,8]}} => hexadecimal",
        "{a:A0,8]}} => key in quotes",
        "{'a => '}'",
      })
  void badHeadersAreRefused(String header, String rule) throws IOException {
    Path file = write(header, 16);
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("file=" + file)
        .hasMessageContaining(rule.equals("'}'") ? "need " : rule);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'b':A8,16]},'a':A0,8]}}   ",
        "{'a':A0,8]},'e':{'dtype':'F64','shape':[3,0],'data_offsets':[8,8]},'b':A8,16]}}",
        "{'__metadata__':{'k':'v'},'a':{'dtype':'F8_E4M3','shape':[4,4],'data_offsets':[0,16]}}",
        "{'a':{'dtype':'X9','shape':[3],'data_offsets':[0,16]}}",
        "{'__metadata__':null,'a':{'dtype':'F32','shape':[4],'data_offsets':[0,16]}}",
        "{'a':{'dtype':'F32','shape':[4],'data_offsets':[0,16],'x':{'y':[0]}}}",
        "{'a':{'dtype':'F64','shape':[],'data_offsets':[0,8]},'\\u00e4\\ud83d\\ude00':A8,16]}}",
      })
  void unusualButValidHeadersAreRead(String header) throws IOException {
    try (SafetensorsFile file = SafetensorsFile.open(write(header, 16))) {
      assertThat(file.tensors().stream().mapToLong(t -> t.data().byteSize()).sum()).isEqualTo(16);
    }
  }

  @Test
  void unknownTypesAreListedAndNotLoaded() throws IOException {
    Path path = write("{'a':{'dtype':'F8_E4M3','shape':[16],'data_offsets':[0,16]}}", 16);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      StoredTensor tensor = file.tensor("a").orElseThrow();
      assertThat(tensor.typeName()).isEqualTo("F8_E4M3");
      assertThat(tensor.type()).isEmpty();
      assertThatThrownBy(() -> tensor.get(0)).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void badBeginningsAreRefused() throws IOException {
    byte[] valid = Files.readAllBytes(write("{'a':A0,8]},'b':A8,16]}}", 16));
    for (int length = 0; length < valid.length; length++) {
      refuse(Arrays.copyOf(valid, length), "need");
    }
    refuse(Arrays.copyOf(valid, valid.length + 1), "up to the end");
    for (long length : new long[] {-1, Long.MIN_VALUE, 100_000_001, 1L << 40}) {
      byte[] bytes = valid.clone();
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
      refuse(bytes, "at most 100000000 bytes");
    }
    refuse(Files.readAllBytes(write(" {}", 0)), "begins with {");
    byte[] latin = valid.clone();
    latin[10] = (byte) 0xFF;
    refuse(latin, "UTF-8");
    refuse(Files.readAllBytes(write("{'a':" + "[".repeat(100_000), 0)), "levels");
    refuse(Files.readAllBytes(write("{'a':" + "{'b':".repeat(100_000), 0)), "levels");
    refuse(Files.readAllBytes(write("{'" + "a".repeat(1_000_000) + "':3}", 0)), "dtype, shape");
  }

  @Test
  void hugeHeadersTakeBoundedMemory() throws IOException {
    Path file = directory.resolve("a.safetensors");
    byte[] unit = "0,".repeat(1 << 19).getBytes(StandardCharsets.US_ASCII);
    try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
      ByteBuffer head = ByteBuffer.allocate(14).order(ByteOrder.LITTLE_ENDIAN);
      raw.write(head.putLong(20 * unit.length + 6L).put("{\"a\":[".getBytes()).array());
      for (int i = 0; i < 20; i++) {
        raw.write(unit);
      }
    }
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("values");
  }

  @Test
  void mutationsAreReadOrRefused() throws IOException {
    byte[] valid =
        Files.readAllBytes(write("{'__metadata__':{'k':'v'},'a':A0,8]},'b':A8,16]}}", 16));
    Random random = new Random(3);
    int read = 0;
    for (int i = 0; i < 1500; i++) {
      byte[] mutant = HostileNpyTest.mutate(valid, random, "{}[]\",:0123456789-.eE F32tru\\\u00FF");
      Path path = Files.write(directory.resolve("a.safetensors"), mutant);
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        assertThat(file.tensors().stream().mapToLong(t -> t.data().byteSize()).sum())
            .isLessThan(mutant.length);
        read++;
      } catch (FormatException e) {
        assertThat(e.getMessage()).contains(": need ").hasSizeLessThan(800);
      }
    }
    assertThat(read).isBetween(1, 1499);
  }

  @Test
  void theWriterKeepsTheRules() {
    var entries =
        List.of(
            new SafetensorsLayout.Entry("z", ElementType.F16, Shape.of(3)),
            new SafetensorsLayout.Entry("b", ElementType.F32, Shape.of(3)),
            new SafetensorsLayout.Entry("a", ElementType.F32, Shape.of(1)),
            new SafetensorsLayout.Entry("c", ElementType.F64, Shape.of(1)));
    SafetensorsLayout layout = SafetensorsLayout.of(entries, Map.of("k", "v"));
    int start = layout.header().length;
    assertThat(start % 64).isZero();
    assertThat(List.of("c", "a", "b", "z").stream().map(layout::offset))
        .containsExactly(start + 0L, start + 8L, start + 12L, start + 24L);
    assertThat(layout.byteSize()).isEqualTo(start + 30);
    for (String name : List.of("a", "__metadata__")) {
      assertThatThrownBy(
              () ->
                  SafetensorsLayout.of(
                      List.of(
                          entries.get(2),
                          new SafetensorsLayout.Entry(name, ElementType.U8, Shape.of(1))),
                      Map.of()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("name=" + name);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " => ",
      quoteCharacter = '~',
      value = {
        "{'weight_map':{'a':'../a.safetensors'}} => plain names",
        "{'weight_map':{'a':'/etc/a.safetensors'}} => plain names",
        "{'weight_map':{'a':'sub/a.safetensors'}} => plain names",
        "{'weight_map':{'a':'..\\\\a.safetensors'}} => plain names",
        "{'weight_map':{'a':'C:a.safetensors'}} => plain names",
        "{'weight_map':{'a':'a.safetensors\\u0000.safetensors'}} => plain names",
        "{'weight_map':{'a':'..'}} => plain names",
        "{'weight_map':{'a':'a.bin'}} => plain names",
        "{'weight_map':{'a':3}} => plain names",
        "{'weight_map':{'a':'b.safetensors'}} => missing=b.safetensors",
        "{'weight_map':[]} => weight_map",
        "{'metadata':{}} => weight_map",
        "{'weight_map':{'a':'a.safetensors'}} => every tensor",
        "{'weight_map':{'a':'a.safetensors','b':'a.safetensors','c':'a.safetensors'}} => every tensor",
        "{'weight_map':{'a':'a.safetensors','b':'a.safetensors'},'metadata':3} => metadata",
      })
  void badIndexesAreRefused(String json, String rule) throws IOException {
    write("{'a':A0,8]},'b':A8,16]}}", 16);
    Path index = directory.resolve("a.safetensors.index.json");
    Files.writeString(index, json.replace('\'', '"'));
    assertThatThrownBy(() -> TensorFile.open(index))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(rule);
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " => ",
      quoteCharacter = '~',
      value = {
        "'metadata':{'total_size':16} => ~~",
        "'metadata':{} => ~~",
        "'metadata':null => ~~",
        "'metadata':{'total_size':16,'total_parameters':4} => ~~",
        "'metadata':{'total_size':0} => total_size=0",
        "'metadata':{'total_size':200} => total_size=200",
        "'metadata':{'total_size':'16'} => total_size=16",
        "'metadata':{'total_size':16.0} => total_size=16.0",
        "'x':1,'format':'pt' => keys=2, first=x",
      })
  void indexesOfOthersAreReadAndTold(String rest, String warning) throws IOException {
    write("{'a':A0,8]},'b':A8,16]}}", 16);
    Path index = directory.resolve("a.safetensors.index.json");
    String json = "{'weight_map':{'a':'a.safetensors','b':'a.safetensors'}," + rest + "}";
    Files.writeString(index, "\uFEFF" + json.replace('\'', '"'));
    try (TensorFile file = TensorFile.open(index)) {
      assertThat(file.tensors()).hasSize(2);
      assertThat(file.warnings()).hasSize(warning.isEmpty() ? 0 : 1);
      assertThat(String.join("", file.warnings()))
          .contains(warning)
          .contains(warning.isEmpty() ? "" : "index: need ");
    }
  }

  @Test
  void textsOfTheFileAreCutInMessages() throws IOException {
    String name = "a".repeat(1_000_000);
    for (String header :
        List.of(
            "{'" + name + "':{'dtype':'F32','shape':[3],'data_offsets':[0,16]}}",
            "{'a':{'dtype':'" + name + "','shape':[3],'data_offsets':[0,15]}}",
            "{'a':{'dtype':'F32','shape':[" + "3,".repeat(100_000) + "3],'data_offsets':[0,16]}}",
            "{'__metadata__':{'" + name + "':1}}")) {
      Path file = write(header, 16);
      assertThatThrownBy(() -> SafetensorsFile.open(file))
          .isInstanceOf(FormatException.class)
          .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(1000));
    }
    Path index = directory.resolve("a.safetensors.index.json");
    Files.writeString(index, "{\"weight_map\":{\"" + name + "\":\"" + name + "\"}}");
    assertThatThrownBy(() -> TensorFile.open(index))
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(1000));
  }

  private void refuse(byte[] content, String rule) throws IOException {
    Path file = Files.write(directory.resolve("a.safetensors"), content);
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(rule);
  }

  private Path write(String header, int data) throws IOException {
    byte[] text =
        header
            .replace('\'', '"')
            .replace("A", "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[")
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(8 + text.length + data).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(text.length).put(text);
    return Files.write(directory.resolve("a.safetensors"), bytes.array());
  }
}
