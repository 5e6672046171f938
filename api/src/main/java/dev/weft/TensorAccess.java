package dev.weft;

import dev.weft.internal.Access;
import dev.weft.spi.Engine;
import dev.weft.spi.StridedMatrix;
import java.lang.foreign.MemorySegment;

/** Lends the inside of tensors to the other packages of weft. */
final class TensorAccess extends Access {
  private TensorAccess() {}

  static void install() {
    set(new TensorAccess());
  }

  @Override
  public int deviceOrdinal(Backend backend) {
    return backend.engine().deviceOrdinal();
  }

  @Override
  public Tensor adopt(
      Backend backend, MemorySegment memory, DType dtype, Shape shape, Runnable release) {
    return backend.adopt(memory, dtype, shape, release);
  }

  @Override
  public Tensor adopt(
      Backend backend, long devicePointer, DType dtype, Shape shape, Runnable release) {
    return backend.adopt(devicePointer, dtype, shape, release);
  }

  @Override
  public void disown(Tensor tensor) {
    tensor.disown();
  }

  @Override
  public void closeLater(Lease lease) {
    lease.closeLater();
  }

  @Override
  public IllegalStateException cause(Tensor tensor, String op, IllegalStateException e) {
    return tensor.cause(op, e);
  }

  @Override
  public Engine engine(Backend backend) {
    return backend.engine();
  }

  @Override
  public StridedMatrix rows(Tensor tensor) {
    return tensor.rows();
  }

  @Override
  public StridedMatrix columns(Tensor tensor) {
    return tensor.columns();
  }

  @Override
  public void enter(Tensor tensor, String op) {
    tensor.requireAccessible(op);
    tensor.enter(op);
  }

  @Override
  public void leave(Tensor tensor) {
    tensor.leave();
  }

  @Override
  public boolean touch(Tensor x, Tensor y) {
    long count = x.shape().elements();
    long other = y.shape().elements();
    if (count == 0 || other == 0) {
      return false;
    }
    return x == y || x.touches(0, count, y, 0, other);
  }

  @Override
  public boolean touch(Tensor x, MemorySegment segment) {
    return x.shape().elements() > 0 && segment.byteSize() > 0 && x.touches(segment);
  }
}
