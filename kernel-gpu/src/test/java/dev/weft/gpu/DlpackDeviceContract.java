package dev.weft.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Initializers;
import dev.weft.interop.Dlpack;
import dev.weft.interop.Dlpack.Form;
import dev.weft.random.RandomKey;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** DLPack of a device's memory: exported, read by the offsets of its header, and imported again. */
@SuppressWarnings("restricted") // a struct of C is read
abstract class DlpackDeviceContract {
  private static final RandomKey KEY = RandomKey.of(13);

  abstract Backend open();

  @ParameterizedTest
  @EnumSource(Form.class)
  void theDevicesMemoryIsHandedOverWhereItLies(Form form) {
    float[] expected = new float[6 * 7];
    float[] actual = new float[6 * 7];
    try (Backend backend = open()) {
      Tensor tensor = backend.tensor(DType.F32, Shape.of(6, 7));
      tensor.fill(Initializers.zeros(), KEY);
      long pointer = tensor.devicePointer();
      long address = Dlpack.exportTensor(tensor, form);
      long struct = address + (form == Form.VERSIONED ? 32 : 0);
      MemorySegment dl = MemorySegment.ofAddress(struct).reinterpret(48);
      assertThat(dl.get(ValueLayout.JAVA_LONG, 0)).isEqualTo(pointer);
      assertThat(dl.get(ValueLayout.JAVA_INT, 8)).isEqualTo(2); // kDLCUDA
      assertThat(dl.get(ValueLayout.JAVA_INT, 12)).isZero();
      tensor.close();
      assertThatThrownBy(backend::close).isInstanceOf(IllegalStateException.class);
      try (Backend cpu = Weft.open("cpu")) {
        assertThatThrownBy(() -> Dlpack.importTensor(cpu, address, form))
            .hasMessageContaining("got device type=2, device id=0, backend's device=none");
        cpu.wrap(expected, Shape.of(6, 7)).fill(Initializers.heUniform(), KEY);
      }
      try (Tensor back = Dlpack.importTensor(backend, address, form)) {
        assertThat(back.devicePointer()).isEqualTo(pointer);
        back.fill(Initializers.heUniform(), KEY);
        back.copyTo(MemorySegment.ofArray(actual));
      }
      assertThat(backend.memory().allocatedBytes()).isZero();
    }
    assertThat(actual).containsExactly(expected);
  }

  @Test
  void theHostsMemoryIsHandedOverToo() {
    float[] actual = new float[5];
    float[] expected = new float[5];
    try (Backend backend = open();
        Backend cpu = Weft.open("cpu")) {
      Tensor tensor = cpu.tensor(DType.F32, Shape.of(5));
      long address = Dlpack.exportTensor(tensor, Form.VERSIONED);
      tensor.close();
      try (Tensor back = Dlpack.importTensor(backend, address, Form.VERSIONED)) {
        back.fill(Initializers.heUniform(), KEY);
        back.copyTo(MemorySegment.ofArray(actual));
      }
      assertThat(cpu.memory().allocatedBytes()).isZero();
      cpu.wrap(expected, Shape.of(5)).fill(Initializers.heUniform(), KEY);
    }
    assertThat(actual).containsExactly(expected);
  }

  @Test
  void aTensorWithoutElementsHasNoAddress() {
    try (Backend backend = open();
        Tensor tensor = backend.tensor(DType.F32, Shape.of(0, 3))) {
      long address = Dlpack.exportTensor(tensor, Form.LEGACY);
      try (Tensor back = Dlpack.importTensor(backend, address, Form.LEGACY)) {
        assertThat(back.shape()).isEqualTo(Shape.of(0, 3));
      }
    }
  }
}
