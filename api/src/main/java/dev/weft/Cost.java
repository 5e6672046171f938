package dev.weft;

import dev.weft.init.Fill;
import java.util.Locale;

/** What a calibration measures of a backend: each costs a time once, and a time for each unit. */
enum Cost {
  /** Waiting for what was begun, once; no units. */
  SYNCHRONIZE,
  /** A constant fill, by the byte: what memory takes. */
  STORE,
  /** A uniform or raw fill, by the element of f32 or 16 bits; one of f64 takes two units. */
  UNIFORM,
  /** A normal or truncated normal fill, by the same units. */
  NORMAL,
  /** A product in f32, by the operation: 2·M·N·K. */
  GEMM_F32,
  /** The same in f64. */
  GEMM_F64,
  /** A function of every element, by the byte that is read or written. */
  PASS,
  /** Adam's step, by the byte that is read or written: seven for each of a parameter. */
  UPDATE,
  /** Host memory to the backend's, by the byte; not of a backend whose memory is the host's. */
  COPY_IN,
  /** The backend's memory to the host's, by the byte; likewise. */
  COPY_OUT;

  /** Name in files: {@code gemm_f32}. */
  String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether a backend whose memory is the host's has none of it. */
  boolean isCopy() {
    return this == COPY_IN || this == COPY_OUT;
  }

  /** Of products of this type. */
  static Cost gemm(DType dtype) {
    return dtype == DType.F64 ? GEMM_F64 : GEMM_F32;
  }

  /** Of a fill; null where none is measured. */
  static Cost of(Fill fill) {
    return switch (fill) {
      case Fill.Constant f -> STORE;
      case Fill.Identity f -> STORE;
      case Fill.Dirac f -> STORE;
      case Fill.Bits f -> UNIFORM;
      case Fill.Uniform f -> UNIFORM;
      case Fill.Normal f -> NORMAL;
      case Fill.TruncatedNormal f -> NORMAL;
      case Fill.Orthogonal f -> null;
      case Fill.DeltaOrthogonal f -> null;
      case Fill.Sparse f -> null;
      case Fill.Custom f -> null;
    };
  }

  /**
   * The cost of one operation: {@code seconds = overhead + units·perUnit}.
   *
   * @param overheadSeconds of each operation; positive
   * @param secondsPerUnit positive
   */
  record Line(double overheadSeconds, double secondsPerUnit) {
    /** Whether both are positive and finite. */
    boolean isValid() {
      return overheadSeconds > 0
          && overheadSeconds <= Double.MAX_VALUE
          && secondsPerUnit > 0
          && secondsPerUnit <= Double.MAX_VALUE;
    }
  }
}
