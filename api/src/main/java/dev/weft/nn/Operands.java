package dev.weft.nn;

import dev.weft.Backend;
import dev.weft.DType;
import dev.weft.Tensor;
import dev.weft.internal.Access;
import dev.weft.internal.Checks;
import dev.weft.spi.Buffer;
import dev.weft.spi.Engine;
import dev.weft.spi.StridedMatrix;

/** Checks of tensors that go into one operation, and what keeps them open while it runs. */
final class Operands {
  private Operands() {}

  /** The engine of the tensors' backend. */
  static Engine engine(Tensor tensor) {
    return Access.get().engine(tensor.backend());
  }

  /** The tensor as a matrix, its last dimension by all others; null for null. */
  static StridedMatrix rows(Tensor tensor) {
    return tensor == null ? null : Access.get().rows(tensor);
  }

  /** The memory of a tensor; null for null. */
  static Buffer buffer(Tensor tensor) {
    return tensor == null ? null : Access.get().rows(tensor).buffer();
  }

  /** Bytes of tensors together; nulls have none. */
  static long byteSize(Tensor... tensors) {
    long sum = 0;
    for (Tensor tensor : tensors) {
      sum += tensor == null ? 0 : tensor.byteSize();
    }
    return sum;
  }

  /** Throws unless {@code tensor} has the backend and type of {@code like}, F32 or F64. */
  static void requireLike(String op, String name, Tensor tensor, Tensor like) {
    requireOf(op, name, tensor, like.backend(), like.dtype());
  }

  /** Throws unless {@code tensor} has this backend and type. */
  static void requireOf(String op, String name, Tensor tensor, Backend backend, DType dtype) {
    if (tensor.backend() != backend) {
      throw Checks.bad(op, "need tensors of one backend", name, tensor, "backend", backend);
    }
    if (tensor.dtype() != dtype) {
      throw Checks.bad(op, "need " + name + " of " + dtype.id(), name, tensor.dtype().id());
    }
  }

  /** Throws unless {@code tensor} is F32 or F64. */
  static void requireFloat(String op, String name, Tensor tensor) {
    if (tensor.dtype() != DType.F32 && tensor.dtype() != DType.F64) {
      throw Checks.bad(op, "need f32 or f64", name, tensor.dtype().id());
    }
  }

  /** Throws unless two tensors have one shape. */
  static void requireSameShape(String op, String xName, Tensor x, String yName, Tensor y) {
    if (!x.shape().equals(y.shape())) {
      throw Checks.bad(
          op,
          "need " + xName + " and " + yName + " of one shape",
          xName,
          x.shape(),
          yName,
          y.shape());
    }
  }

  /** Throws if two tensors share memory; nulls do not. */
  static void requireApart(String op, String xName, Tensor x, String yName, Tensor y) {
    if (x != null && y != null && Access.get().touch(x, y)) {
      throw Checks.bad(op, "need " + xName + " apart from " + yName + " in memory", xName, x);
    }
  }

  /** Throws if a tensor and labels share memory; null does not. */
  static void requireApart(String op, String xName, Tensor x, Labels labels) {
    if (x != null && Access.get().touch(x, labels.segment())) {
      throw Checks.bad(op, "need " + xName + " apart from labels in memory", xName, x);
    }
  }

  /** Throws if two tensors share memory and are not the same tensor. */
  static void requireApartOrSame(String op, String xName, Tensor x, String yName, Tensor y) {
    if (x != y) {
      requireApart(op, xName, x, yName, y);
    }
  }

  /** Begins an operation on up to four tensors; nulls are left out. {@link #leave} ends it. */
  static void enter(String op, Tensor a, Tensor b, Tensor c, Tensor d) {
    Access access = Access.get();
    int entered = 0;
    try {
      if (a != null) {
        access.enter(a, op);
      }
      entered = 1;
      if (b != null) {
        access.enter(b, op);
      }
      entered = 2;
      if (c != null) {
        access.enter(c, op);
      }
      entered = 3;
      if (d != null) {
        access.enter(d, op);
      }
      entered = 4;
    } finally {
      if (entered < 4) {
        leave(entered > 0 ? a : null, entered > 1 ? b : null, entered > 2 ? c : null, null);
      }
    }
  }

  /**
   * What an operation on these failed of: a {@link dev.weft.ClosedException} if the caller's memory
   * of one was closed meanwhile, else {@code e}. Nulls are left out.
   */
  static IllegalStateException cause(String op, IllegalStateException e, Tensor... tensors) {
    IllegalStateException cause = e;
    for (Tensor tensor : tensors) {
      if (tensor != null && cause == e) {
        cause = Access.get().cause(tensor, op, e);
      }
    }
    return cause;
  }

  /** Ends an operation. */
  static void leave(Tensor a, Tensor b, Tensor c, Tensor d) {
    Access access = Access.get();
    if (a != null) {
      access.leave(a);
    }
    if (b != null) {
      access.leave(b);
    }
    if (c != null) {
      access.leave(c);
    }
    if (d != null) {
      access.leave(d);
    }
  }
}
