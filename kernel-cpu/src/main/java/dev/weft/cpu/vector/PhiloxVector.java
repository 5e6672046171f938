package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import dev.weft.random.Philox4x32;
import java.lang.invoke.MethodHandles;
import java.util.Arrays;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Philox4x32-10, one block in each 64-bit lane. Equals {@link Philox4x32} bit for bit.
 *
 * <p>State: a round leaves two products, n = M1·z and o = M0·x; the next round's words are x =
 * hi(n) ^ lo(p) ^ k0, y = lo(n), z = hi(o) ^ lo(r) ^ k1, w = lo(o), where p and r are the products
 * of the round before. Only the halves that are used are kept clean: a 32-bit product masks its
 * operands.
 *
 * <p>Along the blocks of one call only one counter word c varies. In CURAND order it is z, so round
 * 1's product of z is an addition, and x's product, round 2's product of z and round 3's mixed-in
 * word are constants. SEQUENTIAL order is the mirror image: swapping (x, y, M0, k0) with (z, w, M1,
 * k1) maps Philox to itself, so the same loop runs on swapped constants and swaps its results.
 *
 * <p>The loop is a software pipeline of three stages (rounds 1 to 4; 5 to 7; 8 to 10), each on a
 * group of its own, which keeps enough independent products in flight with one set of live
 * registers. Cost per group of V longs: 17 products.
 */
final class PhiloxVector implements TileKernels.Philox {
  private static final VectorShape SHAPE = VectorWidth.shape(MethodHandles.lookup());
  private static final VectorSpecies<Long> L = VectorSpecies.of(long.class, SHAPE);
  private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, SHAPE);
  private static final int VL = L.length();
  private static final int VI = I.length();
  private static final long LOW = 0xFFFFFFFFL;
  private static final LongVector IOTA = LongVector.broadcast(L, 0).addIndex(1);

  /**
   * Vectors of round keys: rounds 4 to 10, k0 then k1; the last pair is shifted into the upper
   * half.
   */
  private static final int KEYS = 14;

  private static final ThreadLocal<long[]> ROUND_KEYS =
      ThreadLocal.withInitial(() -> new long[KEYS * VL]);

  private static final int[] STREAM = indices(TileKernels.Order.STREAM, false);
  private static final int[] STREAM_MIRRORED = indices(TileKernels.Order.STREAM, true);
  private static final int[] SPLIT = indices(TileKernels.Order.SPLIT, false);
  private static final int[] SPLIT_MIRRORED = indices(TileKernels.Order.SPLIT, true);

  /** Made by {@link VectorWidth#load}. */
  PhiloxVector() {}

  @Override
  public void words(
      long seed, int subsequenceBits, long q, int blocks, TileKernels.Order order, int[] words) {
    boolean mirrored = subsequenceBits == 0;
    int k0 = (int) (mirrored ? seed >>> 32 : seed);
    int k1 = (int) (mirrored ? seed : seed >>> 32);
    long m0 = (mirrored ? Philox4x32.M1 : Philox4x32.M0) & LOW;
    long m1 = (mirrored ? Philox4x32.M0 : Philox4x32.M1) & LOW;
    int w0 = mirrored ? Philox4x32.W1 : Philox4x32.W0;
    int w1 = mirrored ? Philox4x32.W0 : Philox4x32.W1;
    long row = mirrored ? 0 : q >>> 16;
    long c = mirrored ? q & LOW : q & 0xFFFF;
    int w = mirrored ? (int) (q >>> 32) : 0;
    int[] indices =
        order == TileKernels.Order.STREAM
            ? mirrored ? STREAM_MIRRORED : STREAM
            : mirrored ? SPLIT_MIRRORED : SPLIT;
    long[] keys = ROUND_KEYS.get();
    for (int round = 3; round < Philox4x32.ROUNDS; round++) {
      int at = 2 * (round - 3) * VL;
      int shift = round == Philox4x32.ROUNDS - 1 ? 32 : 0;
      Arrays.fill(keys, at, at + VL, (k0 + round * w0 & LOW) << shift);
      Arrays.fill(keys, at + VL, at + 2 * VL, (k1 + round * w1 & LOW) << shift);
    }
    pipeline(
        (int) row, (int) (row >>> 32), c, w, k0, k1, w0, w1, m0, m1, keys, indices, blocks, words);
  }

  private static void pipeline(
      int x,
      int y,
      long c,
      int w,
      int k0,
      int k1,
      int w0,
      int w1,
      long mul0,
      long mul1,
      long[] keys,
      int[] indices,
      int blocks,
      int[] words) {
    // What is constant in rounds 1 to 3.
    long o1 = (x & LOW) * mul0; // round 1's product of x
    int z1 = (int) (o1 >>> 32) ^ w ^ k1;
    long n2 = (z1 & LOW) * mul1; // round 2's product of z
    int x2 = (int) (n2 >>> 32) ^ k0 + w0;
    LongVector yk1 = LongVector.broadcast(L, (long) (y ^ k0) << 32);
    LongVector xk2 = LongVector.broadcast(L, x2 & LOW);
    LongVector zk2 = LongVector.broadcast(L, (long) ((int) o1 ^ k1 + w1) << 32);
    LongVector xk3 = LongVector.broadcast(L, (long) ((int) n2 ^ k0 + 2 * w0) << 32);
    LongVector zk3 = LongVector.broadcast(L, k1 + 2 * w1 & LOW);

    LongVector low = LongVector.broadcast(L, LOW);
    LongVector m0 = LongVector.broadcast(L, mul0).and(low);
    LongVector m1 = LongVector.broadcast(L, mul1).and(low);
    LongVector next = IOTA.add(c).mul(mul1);
    LongVector step = LongVector.broadcast(L, VL * mul1);
    IntVector first = IntVector.fromArray(I, indices, 0);
    IntVector second = IntVector.fromArray(I, indices, VI);

    LongVector bn = next;
    LongVector bo = next;
    LongVector bp = next;
    LongVector br = next;
    LongVector cn = next;
    LongVector co = next;
    LongVector cp = next;
    LongVector cr = next;
    LongVector u;
    LongVector v;
    for (int i = -2 * VL; i < blocks; i += VL) {
      // Third stage: rounds 8 to 10 of group i.
      LongVector n = cn;
      LongVector o = co;
      LongVector p = cp;
      LongVector r = cr;
      u =
          n.lanewise(LSHR, 32)
              .lanewise(XOR, LongVector.fromArray(L, keys, 8 * VL))
              .lanewise(XOR, p);
      v =
          o.lanewise(LSHR, 32)
              .lanewise(XOR, LongVector.fromArray(L, keys, 9 * VL))
              .lanewise(XOR, r);
      p = n;
      r = o;
      n = v.and(low).mul(m1);
      o = u.and(low).mul(m0);
      u =
          n.lanewise(LSHR, 32)
              .lanewise(XOR, LongVector.fromArray(L, keys, 10 * VL))
              .lanewise(XOR, p);
      v =
          o.lanewise(LSHR, 32)
              .lanewise(XOR, LongVector.fromArray(L, keys, 11 * VL))
              .lanewise(XOR, r);
      p = n;
      r = o;
      n = v.and(low).mul(m1);
      o = u.and(low).mul(m0);
      IntVector yx =
          p.lanewise(LSHL, 32)
              .lanewise(XOR, n.lanewise(XOR, LongVector.fromArray(L, keys, 12 * VL)))
              .reinterpretAsInts();
      IntVector wz =
          r.lanewise(LSHL, 32)
              .lanewise(XOR, o.lanewise(XOR, LongVector.fromArray(L, keys, 13 * VL)))
              .reinterpretAsInts();
      first.selectFrom(yx, wz).intoArray(words, TileKernels.BASE + 4 * i);
      second.selectFrom(yx, wz).intoArray(words, TileKernels.BASE + 4 * i + VI);

      // Second stage: rounds 5 to 7 of group i + 1.
      n = bn;
      o = bo;
      p = bp;
      r = br;
      u =
          n.lanewise(LSHR, 32)
              .lanewise(XOR, LongVector.fromArray(L, keys, 2 * VL))
              .lanewise(XOR, p);
      v =
          o.lanewise(LSHR, 32)
              .lanewise(XOR, LongVector.fromArray(L, keys, 3 * VL))
              .lanewise(XOR, r);
      p = n;
      r = o;
      n = v.and(low).mul(m1);
      o = u.and(low).mul(m0);
      u =
          n.lanewise(LSHR, 32)
              .lanewise(XOR, LongVector.fromArray(L, keys, 4 * VL))
              .lanewise(XOR, p);
      v =
          o.lanewise(LSHR, 32)
              .lanewise(XOR, LongVector.fromArray(L, keys, 5 * VL))
              .lanewise(XOR, r);
      p = n;
      r = o;
      n = v.and(low).mul(m1);
      o = u.and(low).mul(m0);
      u =
          n.lanewise(LSHR, 32)
              .lanewise(XOR, LongVector.fromArray(L, keys, 6 * VL))
              .lanewise(XOR, p);
      v =
          o.lanewise(LSHR, 32)
              .lanewise(XOR, LongVector.fromArray(L, keys, 7 * VL))
              .lanewise(XOR, r);
      cp = n;
      cr = o;
      cn = v.and(low).mul(m1);
      co = u.and(low).mul(m0);

      // First stage: rounds 1 to 4 of group i + 2, round 1 by addition.
      LongVector n1 = next;
      next = next.add(step);
      LongVector y1 = n1.lanewise(XOR, yk1);
      r = y1.lanewise(LSHR, 32).mul(m0);
      u = y1.lanewise(XOR, xk2).and(low);
      v = r.lanewise(XOR, zk2).lanewise(LSHR, 32);
      p = v.mul(m1);
      o = u.mul(m0);
      u = p.lanewise(XOR, xk3).lanewise(LSHR, 32);
      v = o.lanewise(LSHR, 32).lanewise(XOR, zk3).lanewise(XOR, r);
      r = o;
      n = v.and(low).mul(m1);
      o = u.mul(m0);
      u = n.lanewise(LSHR, 32).lanewise(XOR, LongVector.fromArray(L, keys, 0)).lanewise(XOR, p);
      v = o.lanewise(LSHR, 32).lanewise(XOR, LongVector.fromArray(L, keys, VL)).lanewise(XOR, r);
      bp = n;
      br = o;
      bn = v.and(low).mul(m1);
      bo = u.and(low).mul(m0);
    }
  }

  /** Where the two vectors of a group take their words from: lanes of (y, x)… then of (w, z)…. */
  private static int[] indices(TileKernels.Order order, boolean mirrored) {
    int[] indices = new int[2 * VI];
    for (int at = 0; at < 2 * VI; at++) {
      int word = order == TileKernels.Order.STREAM ? at : 2 * (at % VI) + at / VI;
      int lane = 2 * (word / 4) + (word & 1 ^ 1);
      boolean upper = (word & 2) != 0 != mirrored;
      indices[at] = lane + (upper ? VI : 0);
    }
    return indices;
  }
}
