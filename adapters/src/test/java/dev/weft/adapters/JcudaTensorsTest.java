package dev.weft.adapters;

import static dev.weft.adapters.Expected.FILL;
import static dev.weft.adapters.Expected.KEY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.Backend;
import dev.weft.ClosedException;
import dev.weft.DType;
import dev.weft.Lease;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.testkit.gpu.FakeDriver;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** JCuda itself, and the CUDA backend, over a stand-in for the driver. */
class JcudaTensorsTest {
  private FakeDriver driver;
  private Backend gpu;

  @BeforeEach
  void open() {
    driver = FakeDriver.load();
    gpu = Weft.open("gpu");
  }

  @AfterEach
  void nothingIsHeld() {
    FakeDriver.load(); // ends the test here, too, where there is none
    gpu.close();
    assertThat(driver.held()).isEmpty();
  }

  /** A pointer as the CUDA runtime gives it: no CUdeviceptr, and no offset. */
  private static final class RuntimePointer extends Pointer {
    RuntimePointer(long address) {
      super(address);
    }
  }

  /** What JCuda hands to CUDA for a pointer. */
  private static final class Address extends Pointer {
    Address(Pointer pointer) {
      super(pointer);
    }

    long value() {
      return getNativePointer() + getByteOffset();
    }
  }

  /** Copies by JCuda what a pointer points to. */
  private static byte[] read(CUdeviceptr pointer, int bytes) {
    ByteBuffer out = ByteBuffer.allocateDirect(bytes).put(Expected.poison(bytes)).clear();
    CUstream stream = new CUstream();
    succeed(JCudaDriver.cuStreamCreate(stream, 0));
    succeed(JCudaDriver.cuMemcpyDtoHAsync(Pointer.to(out), pointer, bytes, stream));
    succeed(JCudaDriver.cuStreamSynchronize(stream));
    succeed(JCudaDriver.cuStreamDestroy(stream));
    byte[] read = new byte[bytes];
    out.get(read);
    return read;
  }

  private static void succeed(int status) {
    assertThat(CUresult.stringFor(status)).isEqualTo("CUDA_SUCCESS");
  }

  @ParameterizedTest
  @EnumSource
  void memoryOfTheDeviceIsFilledWhereItIs(DType dtype) {
    for (int elements : new int[] {0, 1, 3, 17, 10_007}) {
      Shape shape = Shape.of(elements);
      byte[] expected = Expected.bytes(dtype, shape);
      int guard = 64;
      MemorySegment memory = driver.allocate(expected.length + 2 * guard, 0);
      long start = memory.address() + guard;
      byte[] whole = Expected.poison((int) memory.byteSize());
      System.arraycopy(expected, 0, whole, guard, expected.length);
      for (Pointer pointer :
          new Pointer[] {
            new CUdeviceptr().withByteOffset(start),
            new RuntimePointer(start),
            new RuntimePointer(memory.address()).withByteOffset(guard)
          }) {
        memory.fill(Expected.POISON);
        try (Tensor tensor = JcudaTensors.wrap(gpu, pointer, dtype, shape)) {
          assertThat(tensor.devicePointer()).isEqualTo(start);
          tensor.fill(FILL, KEY);
          gpu.synchronize();
        }
        assertThat(memory.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(whole);
      }
      assertThat(driver.free(memory)).as("not freed before").isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 17, 10_007})
  void jcudaReadsATensorThroughItsPointer(int elements) {
    Shape shape = Shape.of(elements);
    byte[] expected = Expected.bytes(DType.F32, shape);
    try (Tensor tensor = gpu.tensor(DType.F32, shape)) {
      tensor.fill(FILL, KEY);
      CUdeviceptr pointer = JcudaTensors.pointer(tensor);
      assertThat(new Address(pointer).value()).isEqualTo(tensor.devicePointer());
      assertThat(read(pointer, expected.length)).isEqualTo(expected);
      Tensor again = JcudaTensors.wrap(gpu, pointer.withByteOffset(4), DType.F32, Shape.of(1, 0));
      assertThat(again.devicePointer()).isEqualTo(tensor.devicePointer() + 4);
    }
  }

  @Test
  void memoryThatJcudaAllocatedIsWrapped() {
    Shape shape = Shape.of(100);
    CUdeviceptr pointer = new CUdeviceptr();
    gpu.synchronize(); // makes the device's primary context this thread's
    succeed(JCudaDriver.cuMemAlloc(pointer, 400));
    try (Tensor tensor = JcudaTensors.wrap(gpu, pointer, DType.F32, shape)) {
      tensor.fill(FILL, KEY);
      gpu.synchronize();
    }
    assertThat(read(pointer, 400)).isEqualTo(Expected.bytes(DType.F32, shape));
    succeed(JCudaDriver.cuMemFree(pointer));
  }

  @Test
  void aLentTensorKeepsItsPointer() {
    Tensor tensor = gpu.tensor(DType.F32, Shape.of(100));
    tensor.fill(FILL, KEY);
    try (Lease lease = tensor.lend()) {
      CUdeviceptr pointer = JcudaTensors.pointer(tensor);
      tensor.close();
      assertThat(read(pointer, 400)).isEqualTo(Expected.bytes(DType.F32, Shape.of(100)));
      assertThat(lease.tensor()).isSameAs(tensor);
      assertThat(gpu.memory().allocatedBytes()).isPositive();
    }
    assertThat(gpu.memory().allocatedBytes()).isZero();
    assertThatThrownBy(() -> JcudaTensors.pointer(tensor))
        .isInstanceOf(ClosedException.class)
        .hasMessageStartingWith("devicePointer: need an open tensor");
  }

  private void refused(Pointer pointer, String message) {
    assertThatThrownBy(() -> JcudaTensors.wrap(gpu, pointer, DType.F32, Shape.of(4)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void pointersToJavasMemoryAreRefused() {
    String rule = "wrap: need a pointer to memory of a device, got pointer=Pointer[";
    refused(Pointer.to(new float[4]), rule + "buffer=");
    refused(Pointer.to(new float[4]).withByteOffset(4), rule + "buffer=");
    refused(Pointer.to(FloatBuffer.allocate(4)), rule + "buffer=");
    refused(Pointer.toBuffer(ByteBuffer.allocateDirect(16).position(8)), rule + "buffer=");
    refused(Pointer.to(new CUdeviceptr().withByteOffset(64)), rule + "pointers=");
    refused(new Pointer(), rule + "nativePointer=0x0");
    refused(new CUdeviceptr(), "wrap: need a pointer other than 0, got pointer=0x0");
  }

  @Test
  void whatDoesNotSuitIsRefused() {
    MemorySegment memory = driver.allocate(16, 0);
    MemorySegment other = driver.allocateInOtherContext(16, 0);
    CUdeviceptr pointer = new CUdeviceptr().withByteOffset(memory.address());
    refused(pointer.withByteOffset(2), "wrap: need a multiple of the element's size, got pointer=");
    refused(pointer.withByteOffset(4), "wrap: need at least as many bytes as the shape");
    refused(
        new RuntimePointer(64), "wrap: need memory of a device that CUDA knows, got pointer=0x40");
    refused(
        new RuntimePointer(other.address()), "wrap: need memory of the device's primary context");
    assertThat(driver.free(memory)).isTrue();
    assertThat(driver.free(other)).isTrue();
  }

  @Test
  void aBackendWithoutADeviceIsRefused() {
    try (Backend cpu = Weft.open("cpu");
        Tensor host = cpu.tensor(DType.F32, Shape.of(4));
        Tensor wrapped = gpu.wrap(new float[4], Shape.of(4))) {
      CUdeviceptr pointer = new CUdeviceptr().withByteOffset(64);
      assertThatThrownBy(() -> JcudaTensors.wrap(cpu, pointer, DType.F32, Shape.of(4)))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessage("wrap: need a backend of a device for a pointer, got backend=cpu");
      for (Tensor tensor : new Tensor[] {host, wrapped}) {
        assertThatThrownBy(() -> JcudaTensors.pointer(tensor))
            .isInstanceOf(UnsupportedOperationException.class)
            .hasMessage("devicePointer: need memory of a device, got tensor=" + tensor);
      }
    }
  }
}
