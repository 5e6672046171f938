package dev.weft.cpu.vector;

import dev.weft.cpu.dense.DenseKernels;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** {@link Micro} of F64. */
final class MicroF64Vector implements Micro<double[]> {
  private static final Micro.Use USE = VectorWidth.data(MethodHandles.lookup(), Micro.Use.class);
  private static final VectorSpecies<Double> S =
      VectorSpecies.of(double.class, VectorShape.forBitSize(USE.bits()));
  private static final int V = S.length();
  private static final Micro.Operand B = USE.operand();
  private static final boolean INTO_C = USE.intoC();
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int MR = Micro.mr(USE.bits());
  private static final int NR = 2 * V;

  /** Elements of a from one row to the next, and from one column to the next. */
  private static final int AR = USE.byRows() ? DenseKernels.ROW : 1;

  private static final int AC = USE.byRows() ? 1 : MR;

  /** Made by {@link VectorWidth#load}. */
  MicroF64Vector() {}

  @Override
  public void micro(
      int rows,
      int kc,
      double[] a,
      int aAt,
      double[] panels,
      MemorySegment b,
      long bAt,
      long ldb,
      double[] tile,
      MemorySegment c,
      long cAt,
      long ldc) {
    switch (Micro.rows(USE.bits(), rows)) {
      case 13 -> micro13x2v(kc, a, aAt, panels, b, bAt, ldb, tile, c, cAt, ldc);
      case 8 -> micro8x2v(kc, a, aAt, panels, b, bAt, ldb, tile, c, cAt, ldc);
      case 4 -> micro4x2v(kc, a, aAt, panels, b, bAt, ldb, tile, c, cAt, ldc);
      case 6 -> micro6x2v(kc, a, aAt, panels, (int) bAt, tile);
      default -> micro3x2v(kc, a, aAt, panels, (int) bAt, tile);
    }
  }

  /**
   * 13 rows of 2 vectors: 26 independent chains. With 28, HotSpot keeps one in memory. The segments
   * are cast here, not by the caller: this is compiled by itself, and what it calls of them must be
   * known. Where it was not, a JVM that had used other segments too kept every chain in memory.
   */
  private static void micro13x2v(
      int kc,
      double[] a,
      int aAt,
      double[] panels,
      MemorySegment b,
      long bAt,
      long ldb,
      double[] tile,
      MemorySegment c,
      long cAt,
      long ldc) {
    MemorySegment memory = VectorWidth.NATIVE.cast(b);
    MemorySegment out = VectorWidth.NATIVE.cast(c);
    DoubleVector c00 = DoubleVector.zero(S);
    DoubleVector c01 = DoubleVector.zero(S);
    DoubleVector c10 = DoubleVector.zero(S);
    DoubleVector c11 = DoubleVector.zero(S);
    DoubleVector c20 = DoubleVector.zero(S);
    DoubleVector c21 = DoubleVector.zero(S);
    DoubleVector c30 = DoubleVector.zero(S);
    DoubleVector c31 = DoubleVector.zero(S);
    DoubleVector c40 = DoubleVector.zero(S);
    DoubleVector c41 = DoubleVector.zero(S);
    DoubleVector c50 = DoubleVector.zero(S);
    DoubleVector c51 = DoubleVector.zero(S);
    DoubleVector c60 = DoubleVector.zero(S);
    DoubleVector c61 = DoubleVector.zero(S);
    DoubleVector c70 = DoubleVector.zero(S);
    DoubleVector c71 = DoubleVector.zero(S);
    DoubleVector c80 = DoubleVector.zero(S);
    DoubleVector c81 = DoubleVector.zero(S);
    DoubleVector c90 = DoubleVector.zero(S);
    DoubleVector c91 = DoubleVector.zero(S);
    DoubleVector c100 = DoubleVector.zero(S);
    DoubleVector c101 = DoubleVector.zero(S);
    DoubleVector c110 = DoubleVector.zero(S);
    DoubleVector c111 = DoubleVector.zero(S);
    DoubleVector c120 = DoubleVector.zero(S);
    DoubleVector c121 = DoubleVector.zero(S);
    int panelAt = (int) bAt;
    for (int k = 0; k < kc; k++) {
      int ak = aAt + k * AC;
      long from = bAt + k * (B == Micro.Operand.MEMORY ? ldb : NR);
      DoubleVector b0 = load(panels, panelAt + k * NR, memory, from);
      DoubleVector b1 = load(panels, panelAt + k * NR + V, memory, from + V);
      DoubleVector ai = DoubleVector.broadcast(S, a[ak]);
      c00 = ai.fma(b0, c00);
      c01 = ai.fma(b1, c01);
      ai = DoubleVector.broadcast(S, a[ak + AR]);
      c10 = ai.fma(b0, c10);
      c11 = ai.fma(b1, c11);
      ai = DoubleVector.broadcast(S, a[ak + 2 * AR]);
      c20 = ai.fma(b0, c20);
      c21 = ai.fma(b1, c21);
      ai = DoubleVector.broadcast(S, a[ak + 3 * AR]);
      c30 = ai.fma(b0, c30);
      c31 = ai.fma(b1, c31);
      ai = DoubleVector.broadcast(S, a[ak + 4 * AR]);
      c40 = ai.fma(b0, c40);
      c41 = ai.fma(b1, c41);
      ai = DoubleVector.broadcast(S, a[ak + 5 * AR]);
      c50 = ai.fma(b0, c50);
      c51 = ai.fma(b1, c51);
      ai = DoubleVector.broadcast(S, a[ak + 6 * AR]);
      c60 = ai.fma(b0, c60);
      c61 = ai.fma(b1, c61);
      ai = DoubleVector.broadcast(S, a[ak + 7 * AR]);
      c70 = ai.fma(b0, c70);
      c71 = ai.fma(b1, c71);
      ai = DoubleVector.broadcast(S, a[ak + 8 * AR]);
      c80 = ai.fma(b0, c80);
      c81 = ai.fma(b1, c81);
      ai = DoubleVector.broadcast(S, a[ak + 9 * AR]);
      c90 = ai.fma(b0, c90);
      c91 = ai.fma(b1, c91);
      ai = DoubleVector.broadcast(S, a[ak + 10 * AR]);
      c100 = ai.fma(b0, c100);
      c101 = ai.fma(b1, c101);
      ai = DoubleVector.broadcast(S, a[ak + 11 * AR]);
      c110 = ai.fma(b0, c110);
      c111 = ai.fma(b1, c111);
      ai = DoubleVector.broadcast(S, a[ak + 12 * AR]);
      c120 = ai.fma(b0, c120);
      c121 = ai.fma(b1, c121);
    }
    store(c00, tile, 0, out, cAt);
    store(c01, tile, V, out, cAt + V);
    store(c10, tile, NR, out, cAt + ldc);
    store(c11, tile, NR + V, out, cAt + ldc + V);
    store(c20, tile, 2 * NR, out, cAt + 2 * ldc);
    store(c21, tile, 2 * NR + V, out, cAt + 2 * ldc + V);
    store(c30, tile, 3 * NR, out, cAt + 3 * ldc);
    store(c31, tile, 3 * NR + V, out, cAt + 3 * ldc + V);
    store(c40, tile, 4 * NR, out, cAt + 4 * ldc);
    store(c41, tile, 4 * NR + V, out, cAt + 4 * ldc + V);
    store(c50, tile, 5 * NR, out, cAt + 5 * ldc);
    store(c51, tile, 5 * NR + V, out, cAt + 5 * ldc + V);
    store(c60, tile, 6 * NR, out, cAt + 6 * ldc);
    store(c61, tile, 6 * NR + V, out, cAt + 6 * ldc + V);
    store(c70, tile, 7 * NR, out, cAt + 7 * ldc);
    store(c71, tile, 7 * NR + V, out, cAt + 7 * ldc + V);
    store(c80, tile, 8 * NR, out, cAt + 8 * ldc);
    store(c81, tile, 8 * NR + V, out, cAt + 8 * ldc + V);
    store(c90, tile, 9 * NR, out, cAt + 9 * ldc);
    store(c91, tile, 9 * NR + V, out, cAt + 9 * ldc + V);
    store(c100, tile, 10 * NR, out, cAt + 10 * ldc);
    store(c101, tile, 10 * NR + V, out, cAt + 10 * ldc + V);
    store(c110, tile, 11 * NR, out, cAt + 11 * ldc);
    store(c111, tile, 11 * NR + V, out, cAt + 11 * ldc + V);
    store(c120, tile, 12 * NR, out, cAt + 12 * ldc);
    store(c121, tile, 12 * NR + V, out, cAt + 12 * ldc + V);
  }

  /** 8 rows of 2 vectors: 16 independent chains. */
  private static void micro8x2v(
      int kc,
      double[] a,
      int aAt,
      double[] panels,
      MemorySegment b,
      long bAt,
      long ldb,
      double[] tile,
      MemorySegment c,
      long cAt,
      long ldc) {
    MemorySegment memory = VectorWidth.NATIVE.cast(b);
    MemorySegment out = VectorWidth.NATIVE.cast(c);
    DoubleVector c00 = DoubleVector.zero(S);
    DoubleVector c01 = DoubleVector.zero(S);
    DoubleVector c10 = DoubleVector.zero(S);
    DoubleVector c11 = DoubleVector.zero(S);
    DoubleVector c20 = DoubleVector.zero(S);
    DoubleVector c21 = DoubleVector.zero(S);
    DoubleVector c30 = DoubleVector.zero(S);
    DoubleVector c31 = DoubleVector.zero(S);
    DoubleVector c40 = DoubleVector.zero(S);
    DoubleVector c41 = DoubleVector.zero(S);
    DoubleVector c50 = DoubleVector.zero(S);
    DoubleVector c51 = DoubleVector.zero(S);
    DoubleVector c60 = DoubleVector.zero(S);
    DoubleVector c61 = DoubleVector.zero(S);
    DoubleVector c70 = DoubleVector.zero(S);
    DoubleVector c71 = DoubleVector.zero(S);
    int panelAt = (int) bAt;
    for (int k = 0; k < kc; k++) {
      int ak = aAt + k * AC;
      long from = bAt + k * (B == Micro.Operand.MEMORY ? ldb : NR);
      DoubleVector b0 = load(panels, panelAt + k * NR, memory, from);
      DoubleVector b1 = load(panels, panelAt + k * NR + V, memory, from + V);
      DoubleVector ai = DoubleVector.broadcast(S, a[ak]);
      c00 = ai.fma(b0, c00);
      c01 = ai.fma(b1, c01);
      ai = DoubleVector.broadcast(S, a[ak + AR]);
      c10 = ai.fma(b0, c10);
      c11 = ai.fma(b1, c11);
      ai = DoubleVector.broadcast(S, a[ak + 2 * AR]);
      c20 = ai.fma(b0, c20);
      c21 = ai.fma(b1, c21);
      ai = DoubleVector.broadcast(S, a[ak + 3 * AR]);
      c30 = ai.fma(b0, c30);
      c31 = ai.fma(b1, c31);
      ai = DoubleVector.broadcast(S, a[ak + 4 * AR]);
      c40 = ai.fma(b0, c40);
      c41 = ai.fma(b1, c41);
      ai = DoubleVector.broadcast(S, a[ak + 5 * AR]);
      c50 = ai.fma(b0, c50);
      c51 = ai.fma(b1, c51);
      ai = DoubleVector.broadcast(S, a[ak + 6 * AR]);
      c60 = ai.fma(b0, c60);
      c61 = ai.fma(b1, c61);
      ai = DoubleVector.broadcast(S, a[ak + 7 * AR]);
      c70 = ai.fma(b0, c70);
      c71 = ai.fma(b1, c71);
    }
    store(c00, tile, 0, out, cAt);
    store(c01, tile, V, out, cAt + V);
    store(c10, tile, NR, out, cAt + ldc);
    store(c11, tile, NR + V, out, cAt + ldc + V);
    store(c20, tile, 2 * NR, out, cAt + 2 * ldc);
    store(c21, tile, 2 * NR + V, out, cAt + 2 * ldc + V);
    store(c30, tile, 3 * NR, out, cAt + 3 * ldc);
    store(c31, tile, 3 * NR + V, out, cAt + 3 * ldc + V);
    store(c40, tile, 4 * NR, out, cAt + 4 * ldc);
    store(c41, tile, 4 * NR + V, out, cAt + 4 * ldc + V);
    store(c50, tile, 5 * NR, out, cAt + 5 * ldc);
    store(c51, tile, 5 * NR + V, out, cAt + 5 * ldc + V);
    store(c60, tile, 6 * NR, out, cAt + 6 * ldc);
    store(c61, tile, 6 * NR + V, out, cAt + 6 * ldc + V);
    store(c70, tile, 7 * NR, out, cAt + 7 * ldc);
    store(c71, tile, 7 * NR + V, out, cAt + 7 * ldc + V);
  }

  /** 4 rows of 2 vectors: 8 independent chains. */
  private static void micro4x2v(
      int kc,
      double[] a,
      int aAt,
      double[] panels,
      MemorySegment b,
      long bAt,
      long ldb,
      double[] tile,
      MemorySegment c,
      long cAt,
      long ldc) {
    MemorySegment memory = VectorWidth.NATIVE.cast(b);
    MemorySegment out = VectorWidth.NATIVE.cast(c);
    DoubleVector c00 = DoubleVector.zero(S);
    DoubleVector c01 = DoubleVector.zero(S);
    DoubleVector c10 = DoubleVector.zero(S);
    DoubleVector c11 = DoubleVector.zero(S);
    DoubleVector c20 = DoubleVector.zero(S);
    DoubleVector c21 = DoubleVector.zero(S);
    DoubleVector c30 = DoubleVector.zero(S);
    DoubleVector c31 = DoubleVector.zero(S);
    int panelAt = (int) bAt;
    for (int k = 0; k < kc; k++) {
      int ak = aAt + k * AC;
      long from = bAt + k * (B == Micro.Operand.MEMORY ? ldb : NR);
      DoubleVector b0 = load(panels, panelAt + k * NR, memory, from);
      DoubleVector b1 = load(panels, panelAt + k * NR + V, memory, from + V);
      DoubleVector ai = DoubleVector.broadcast(S, a[ak]);
      c00 = ai.fma(b0, c00);
      c01 = ai.fma(b1, c01);
      ai = DoubleVector.broadcast(S, a[ak + AR]);
      c10 = ai.fma(b0, c10);
      c11 = ai.fma(b1, c11);
      ai = DoubleVector.broadcast(S, a[ak + 2 * AR]);
      c20 = ai.fma(b0, c20);
      c21 = ai.fma(b1, c21);
      ai = DoubleVector.broadcast(S, a[ak + 3 * AR]);
      c30 = ai.fma(b0, c30);
      c31 = ai.fma(b1, c31);
    }
    store(c00, tile, 0, out, cAt);
    store(c01, tile, V, out, cAt + V);
    store(c10, tile, NR, out, cAt + ldc);
    store(c11, tile, NR + V, out, cAt + ldc + V);
    store(c20, tile, 2 * NR, out, cAt + 2 * ldc);
    store(c21, tile, 2 * NR + V, out, cAt + 2 * ldc + V);
    store(c30, tile, 3 * NR, out, cAt + 3 * ldc);
    store(c31, tile, 3 * NR + V, out, cAt + 3 * ldc + V);
  }

  /** 6 rows of 2 vectors: 12 independent chains. Two steps at a time halve what a step costs. */
  private static void micro6x2v(
      int kc, double[] a, int aAt, double[] panels, int panelAt, double[] tile) {
    DoubleVector c00 = DoubleVector.zero(S);
    DoubleVector c01 = DoubleVector.zero(S);
    DoubleVector c10 = DoubleVector.zero(S);
    DoubleVector c11 = DoubleVector.zero(S);
    DoubleVector c20 = DoubleVector.zero(S);
    DoubleVector c21 = DoubleVector.zero(S);
    DoubleVector c30 = DoubleVector.zero(S);
    DoubleVector c31 = DoubleVector.zero(S);
    DoubleVector c40 = DoubleVector.zero(S);
    DoubleVector c41 = DoubleVector.zero(S);
    DoubleVector c50 = DoubleVector.zero(S);
    DoubleVector c51 = DoubleVector.zero(S);
    DoubleVector b0;
    DoubleVector b1;
    DoubleVector ai;
    int k = 0;
    for (; k < kc - 1; k += 2) {
      int ak = aAt + k * AC;
      b0 = DoubleVector.fromArray(S, panels, panelAt + k * NR);
      b1 = DoubleVector.fromArray(S, panels, panelAt + k * NR + V);
      ai = DoubleVector.broadcast(S, a[ak]);
      c00 = ai.fma(b0, c00);
      c01 = ai.fma(b1, c01);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + AR]);
      c10 = ai.fma(b0, c10);
      c11 = ai.fma(b1, c11);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + 2 * AR]);
      c20 = ai.fma(b0, c20);
      c21 = ai.fma(b1, c21);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + 3 * AR]);
      c30 = ai.fma(b0, c30);
      c31 = ai.fma(b1, c31);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + 4 * AR]);
      c40 = ai.fma(b0, c40);
      c41 = ai.fma(b1, c41);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + 5 * AR]);
      c50 = ai.fma(b0, c50);
      c51 = ai.fma(b1, c51);
      nextRow();
      b0 = DoubleVector.fromArray(S, panels, panelAt + (k + 1) * NR);
      b1 = DoubleVector.fromArray(S, panels, panelAt + (k + 1) * NR + V);
      ai = DoubleVector.broadcast(S, a[ak + AC]);
      c00 = ai.fma(b0, c00);
      c01 = ai.fma(b1, c01);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + AC + AR]);
      c10 = ai.fma(b0, c10);
      c11 = ai.fma(b1, c11);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + AC + 2 * AR]);
      c20 = ai.fma(b0, c20);
      c21 = ai.fma(b1, c21);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + AC + 3 * AR]);
      c30 = ai.fma(b0, c30);
      c31 = ai.fma(b1, c31);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + AC + 4 * AR]);
      c40 = ai.fma(b0, c40);
      c41 = ai.fma(b1, c41);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + AC + 5 * AR]);
      c50 = ai.fma(b0, c50);
      c51 = ai.fma(b1, c51);
    }
    if (k < kc) {
      int ak = aAt + k * AC;
      b0 = DoubleVector.fromArray(S, panels, panelAt + k * NR);
      b1 = DoubleVector.fromArray(S, panels, panelAt + k * NR + V);
      ai = DoubleVector.broadcast(S, a[ak]);
      c00 = ai.fma(b0, c00);
      c01 = ai.fma(b1, c01);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + AR]);
      c10 = ai.fma(b0, c10);
      c11 = ai.fma(b1, c11);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + 2 * AR]);
      c20 = ai.fma(b0, c20);
      c21 = ai.fma(b1, c21);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + 3 * AR]);
      c30 = ai.fma(b0, c30);
      c31 = ai.fma(b1, c31);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + 4 * AR]);
      c40 = ai.fma(b0, c40);
      c41 = ai.fma(b1, c41);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + 5 * AR]);
      c50 = ai.fma(b0, c50);
      c51 = ai.fma(b1, c51);
    }
    c00.intoArray(tile, 0);
    c01.intoArray(tile, V);
    c10.intoArray(tile, NR);
    c11.intoArray(tile, NR + V);
    c20.intoArray(tile, 2 * NR);
    c21.intoArray(tile, 2 * NR + V);
    c30.intoArray(tile, 3 * NR);
    c31.intoArray(tile, 3 * NR + V);
    c40.intoArray(tile, 4 * NR);
    c41.intoArray(tile, 4 * NR + V);
    c50.intoArray(tile, 5 * NR);
    c51.intoArray(tile, 5 * NR + V);
  }

  /** 3 rows of 2 vectors: 6 independent chains. */
  private static void micro3x2v(
      int kc, double[] a, int aAt, double[] panels, int panelAt, double[] tile) {
    DoubleVector c00 = DoubleVector.zero(S);
    DoubleVector c01 = DoubleVector.zero(S);
    DoubleVector c10 = DoubleVector.zero(S);
    DoubleVector c11 = DoubleVector.zero(S);
    DoubleVector c20 = DoubleVector.zero(S);
    DoubleVector c21 = DoubleVector.zero(S);
    for (int k = 0; k < kc; k++) {
      int ak = aAt + k * AC;
      DoubleVector b0 = DoubleVector.fromArray(S, panels, panelAt + k * NR);
      DoubleVector b1 = DoubleVector.fromArray(S, panels, panelAt + k * NR + V);
      DoubleVector ai = DoubleVector.broadcast(S, a[ak]);
      c00 = ai.fma(b0, c00);
      c01 = ai.fma(b1, c01);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + AR]);
      c10 = ai.fma(b0, c10);
      c11 = ai.fma(b1, c11);
      nextRow();
      ai = DoubleVector.broadcast(S, a[ak + 2 * AR]);
      c20 = ai.fma(b0, c20);
      c21 = ai.fma(b1, c21);
    }
    c00.intoArray(tile, 0);
    c01.intoArray(tile, V);
    c10.intoArray(tile, NR);
    c11.intoArray(tile, NR + V);
    c20.intoArray(tile, 2 * NR);
    c21.intoArray(tile, 2 * NR + V);
  }

  /**
   * A fence between the rows where there are 16 registers, for which no instruction is needed:
   * HotSpot would load what all rows need first, and for want of a register keep a sum in memory,
   * which takes a step as long as a store and a load.
   */
  @Inlined
  static void nextRow() {
    VarHandle.loadLoadFence();
  }

  @Inlined
  static void store(DoubleVector sums, double[] tile, int at, MemorySegment c, long cAt) {
    if (INTO_C) {
      sums.intoMemorySegment(c, cAt * Double.BYTES, ORDER);
    } else {
      sums.intoArray(tile, at);
    }
  }

  @Inlined
  static DoubleVector load(double[] panels, int panelAt, MemorySegment b, long at) {
    return B == Micro.Operand.ARRAY
        ? DoubleVector.fromArray(S, panels, panelAt)
        : DoubleVector.fromMemorySegment(S, b, at * Double.BYTES, ORDER);
  }
}
