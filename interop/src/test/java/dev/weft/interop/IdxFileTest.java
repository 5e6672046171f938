package dev.weft.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Shape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IdxFileTest {
  @TempDir private Path directory;

  private static byte[] idx(int type, int[] dims, byte... data) {
    ByteBuffer bytes = ByteBuffer.allocate(4 + 4 * dims.length + data.length);
    bytes.putInt(type << 8 | dims.length);
    Arrays.stream(dims).forEach(bytes::putInt);
    return bytes.put(data).array();
  }

  private static byte[] packed(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }

  private Path file(byte[] content) throws IOException {
    return Files.write(directory.resolve("x.idx"), content);
  }

  private void refused(byte[] content, String rule) {
    assertThatThrownBy(() -> IdxFile.read(file(content)))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("idx: " + rule)
        .hasMessageContaining("got file=");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void readsImagesAsMnistHasThem(boolean gzip) throws IOException {
    byte[] content = idx(0x08, new int[] {2, 1, 3}, new byte[] {0, 1, 127, -128, -1, 5});
    IdxFile images = IdxFile.read(file(gzip ? packed(content) : content));
    assertThat(images.shape()).isEqualTo(Shape.of(2, 1, 3));
    assertThat(images.get(3)).isEqualTo(128);
    float[] out = {9, 9, 9, 9};
    images.copyTo(3, out, 3);
    assertThat(out).containsExactly(128, 255, 5, 9);
  }

  @Test
  void readsEveryTypeBigEndian() throws IOException {
    assertThat(IdxFile.read(file(idx(0x09, new int[] {1}, (byte) -2))).get(0)).isEqualTo(-2);
    assertThat(IdxFile.read(file(idx(0x0B, new int[] {1}, (byte) -1, (byte) 1))).get(0))
        .isEqualTo(-255);
    assertThat(
            IdxFile.read(file(idx(0x0C, new int[] {1}, (byte) 1, (byte) 2, (byte) 3, (byte) 4)))
                .get(0))
        .isEqualTo(0x01020304);
    byte[] single = ByteBuffer.allocate(4).putFloat(-1.5f).array();
    assertThat(IdxFile.read(file(idx(0x0D, new int[] {1}, single))).get(0)).isEqualTo(-1.5);
    byte[] twice = ByteBuffer.allocate(8).putDouble(Math.PI).array();
    assertThat(IdxFile.read(file(idx(0x0E, new int[] {1}, twice))).get(0)).isEqualTo(Math.PI);
  }

  @Test
  void readsNothingAndOneNumber() throws IOException {
    assertThat(IdxFile.read(file(idx(0x08, new int[] {0, 28, 28}))).shape())
        .isEqualTo(Shape.of(0, 28, 28));
    assertThat(IdxFile.read(file(idx(0x08, new int[0], (byte) 7))).get(0)).isEqualTo(7);
  }

  @Test
  void refusesWhatIsNotTheFormat() throws IOException {
    refused(new byte[0], "need a whole header");
    refused(new byte[] {0, 0, 8}, "need a whole header");
    refused(idx(0x0A, new int[] {1}, (byte) 0), "need 0, 0, a type");
    refused(idx(0x01_08, new int[] {1}, (byte) 0), "need 0, 0, a type");
    refused(idx(0x08, new int[] {-1}), "need dimensions >= 0");
    refused(
        idx(0x08, new int[] {3}, (byte) 0, (byte) 0), "need a whole header and as many elements");
    refused(idx(0x08, new int[] {1}, (byte) 0, (byte) 0), "need nothing after the elements");
    refused(idx(0x0E, new int[] {65_536, 65_536}), "need at most");
    byte[] torn = packed(idx(0x08, new int[] {100}, new byte[100]));
    refused(Arrays.copyOf(torn, torn.length - 9), "need a whole header and as many elements");
    torn[torn.length - 6] ^= 1;
    refused(torn, "need whole gzip data");
  }

  /** A header of 8 bytes that promises 2 GiB must not cost 2 GiB. */
  @Test
  void aPromiseCostsNoMemory() throws IOException {
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    refused(
        idx(0x08, new int[] {Integer.MAX_VALUE - 8}, (byte) 1), "need a whole header and as many");
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(16 << 20);
  }

  @Test
  void refusesElementsThatAreNotThere() throws IOException {
    IdxFile file = IdxFile.read(file(idx(0x08, new int[] {2}, (byte) 1, (byte) 2)));
    assertThatThrownBy(() -> file.get(2)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> file.get(-1)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> file.copyTo(1, new float[2], 2))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> file.copyTo(0, new float[1], 2))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
