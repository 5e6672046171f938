package dev.weft.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.init.Fill;
import dev.weft.init.InitializerSpec;
import dev.weft.init.Layout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class GoldenFillsTest {
  @Test
  void hashesOfExactFillsAreTheOracles() {
    int checked = 0;
    for (GoldenFills.Line line : GoldenFills.lines()) {
      Fill fill = InitializerSpec.parse(line.spec()).initializer(Layout.KERAS).plan(line.shape());
      if (Reference.isExact(fill)) {
        int bytes = line.dtype().byteSize();
        MemorySegment out = MemorySegment.ofArray(new byte[bytes * line.count()]);
        for (int i = 0; i < line.count(); i++) {
          long pattern =
              Reference.pattern(fill, line.key(), line.dtype(), line.shape(), line.first() + i);
          for (int b = 0; b < bytes; b++) {
            out.set(ValueLayout.JAVA_BYTE, (long) i * bytes + b, (byte) (pattern >>> 8 * b));
          }
        }
        assertThat(GoldenFills.sha256(out)).as("%s", line).isEqualTo(line.sha256());
        checked++;
      }
    }
    assertThat(checked).isEqualTo(48);
  }
}
