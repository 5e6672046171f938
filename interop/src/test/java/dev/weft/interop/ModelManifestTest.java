package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import dev.weft.random.RandomKey;
import dev.weft.testkit.Availability;
import dev.weft.testkit.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelManifestTest {
  private static final Path MODELS = Path.of("..", "models");

  @ParameterizedTest
  @CsvSource({"gpt2-124m, 148, 124439808, 497759232", "llama-3-8b, 291, 8030261248, 16060522496"})
  void readyManifestsHaveThePublishedCounts(String name, int tensors, long parameters, long bytes)
      throws IOException {
    ModelManifest manifest = ModelManifest.read(MODELS.resolve(name + ".json"));
    assertThat(manifest.name()).isEqualTo(name);
    assertThat(manifest.tensors()).hasSize(tensors);
    assertThat(manifest.parameters()).isEqualTo(parameters);
    assertThat(manifest.byteSize()).isEqualTo(bytes);
  }

  @Test
  void readyManifestsAreWhatTheScriptWrites() {
    String needs = "import sys, json, pathlib; sys.exit(sys.version_info < (3, 8))";
    Optional<Path> python =
        Programs.onPath("python3").stream()
            .filter(each -> Programs.run(List.of(each.toString(), "-c", needs)).ok())
            .findFirst();
    Availability.need("python", python.isPresent(), () -> "no python3 on PATH runs");
    Programs.Result result =
        Programs.run(
            List.of(
                python.orElseThrow().toString(),
                MODELS.resolve("derive.py").toString(),
                "--check"));
    assertThat(result.status()).as(result.output()).isZero();
  }

  @Test
  void entriesInheritAndOverride() throws IOException {
    ModelManifest manifest =
        ModelManifest.parse(
            "test",
            """
            {"name": "m", "layout": "torch", "dtype": "f32", "tensors": [
              {"name": "a", "shape": [2, 3], "init": "he_normal:semantics=torch"},
              {"name": "b", "shape": [], "init": "ones", "dtype": "f64", "layout": "keras", "key": "k"}
            ]}
            """);
    assertThat(manifest.tensors())
        .containsExactly(
            new ModelManifest.Entry(
                "a",
                Shape.of(2, 3),
                InitializerSpec.parse("he_normal:semantics=torch"),
                DType.F32,
                Layout.TORCH,
                "a"),
            new ModelManifest.Entry(
                "b", Shape.of(), InitializerSpec.parse("ones"), DType.F64, Layout.KERAS, "k"));
    assertThat(manifest.tensors().get(1).receipt(RandomKey.of(5)).key())
        .isEqualTo(RandomKey.of(5).child("k"));
  }

  @Test
  void aByteOrderMarkIsReadAndUtf16IsNamed(@TempDir Path directory) throws IOException {
    String text =
        """
        {"name": "mä", "layout": "torch", "dtype": "f32", "tensors": [
          {"name": "t", "shape": [1], "init": "ones"}]}
        """;
    Path file = Files.writeString(directory.resolve("m.json"), "\uFEFF" + text);
    assertThat(ModelManifest.read(file).name()).isEqualTo("mä");
    Files.writeString(file, "\uFEFF\uFEFF" + text); // one is a mark, two are not
    assertThatThrownBy(() -> ModelManifest.read(file)).hasMessageContaining("need a value");
    for (String charset : List.of("UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32")) {
      Files.write(file, text.getBytes(charset));
      assertThatThrownBy(() -> ModelManifest.read(file))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("need UTF-8, and this is UTF-16")
          .hasMessageContaining("file=" + file);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " => ",
      quoteCharacter = '~',
      value = {
        "[] => path=$",
        "{'layout':'torch','dtype':'f32','tensors':[T]} => path=$.name",
        "{'name':'m','dtype':'f32','tensors':[T]} => path=$.layout",
        "{'name':'m','layout':'torch','tensors':[T]} => path=$.dtype",
        "{'name':'m','layout':'tensorflow','dtype':'f32','tensors':[T]} => path=$.layout",
        "{'name':'m','layout':'torch','dtype':'int8','tensors':[T]} => path=$.dtype",
        "{'name':'m','layout':'torch','dtype':'f32','tensors':[]} => path=$.tensors",
        "{'name':'m','layout':'torch','dtype':'f32','tensors':[T],'x':1} => path=$, value=x",
        "{'name':'m','layout':'torch','dtype':'f32','tensors':[T,T]} => path=$.tensors[1].name, value=t",
        "{'name':'m','layout':'torch','dtype':'f32','tensors':[3]} => path=$.tensors[0], value=3",
        "S[-1]S'ones' => path=$.tensors[0].shape, value=[-1]",
        "S[1.5]S'ones' => path=$.tensors[0].shape, value=[1.5]",
        "S'3'S'ones' => path=$.tensors[0].shape",
        "S[9223372036854775807,2]S'ones' => path=$.tensors[0].shape",
        "S[9223372036854775807]S'ones' => path=$.tensors[0]",
        "S[3]S'xavier' => path=$.tensors[0].init, value=xavier",
        "S[3]S'normal:sd=1' => path=$.tensors[0].init",
        "S[3]S'orthogonal' => path=$.tensors[0], value=t",
        "S[3]S'glorot_uniform' => path=$.tensors[0], value=t",
        "S[3]S4 => path=$.tensors[0].init, value=4",
        "{'name':'m','name':'n'} => need every key once",
        "{'name':'m' => need '}'",
      })
  void badManifestsNameThePath(String json, String message) {
    String text =
        json.replaceFirst(
                "^S", "{'name':'m','layout':'torch','dtype':'f32','tensors':[{'name':'t','shape':")
            .replaceFirst("S(?='|4)", ",'init':");
    text += text.startsWith("{'name':'m','layout':'torch','dtype':'f32','tensors':[{") ? "}]}" : "";
    text = text.replace("T", "{'name':'t','shape':[1],'init':'ones'}").replace('\'', '"');
    String manifest = text;
    assertThatThrownBy(() -> ModelManifest.parse("file.json", manifest))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("file=file.json")
        .hasMessageContaining(message);
  }
}
