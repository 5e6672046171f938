package dev.weft.cpu.vector;

import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.SQRT;
import static jdk.incubator.vector.VectorOperators.XOR;

import dev.weft.random.Philox4x32;
import dev.weft.spi.fill.StreamFill;
import dev.weft.spi.fill.StreamFill.Kind;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Philox4x32-10 and what its words become, in one loop: equals {@link
 * dev.weft.cpu.scalar.ScalarFillKernels} bit for bit. Loaded by {@link VectorWidth#load} once for
 * each {@link StreamLoop.Variant}, whose parts are constants here: of the branches on them one is
 * compiled.
 *
 * <p>A step of the loop works on several groups of V blocks, V the number of longs in a vector:
 * rounds 1 to 4 of the newest, rounds 5 to 7 of the one before, rounds 8 to 10 of the one before
 * that, and, for normals, three more parts of the transform on older ones. The groups are
 * independent, so the processor finds enough to do while the chain of one waits, and stores go out
 * evenly between arithmetic. The first steps have no old groups yet: what they write over the first
 * group's place is written again.
 *
 * <p>Along the blocks of one call only one counter word c varies. In CURAND order it is z, so round
 * 1's product of z is an addition, and x's product, round 2's product of z and round 3's mixed-in
 * word are constants. SEQUENTIAL order is the mirror image: swapping (x, y, M0, k0) with (z, w, M1,
 * k1) maps Philox to itself, so the same loop runs on swapped constants and swaps its results.
 *
 * <p>Cost of a group of V blocks: 17 products of V longs, and 4·V words' transforms.
 */
final class StreamVector implements StreamLoop {
  private static final Variant VARIANT =
      VectorWidth.data(MethodHandles.lookup(), StreamLoop.Variant.class);
  private static final Kind KIND = VARIANT.kind();
  private static final boolean HALVES = VARIANT.halves();
  private static final Bounds BOUNDS = VARIANT.bounds();

  private static final boolean HAS_NEGATIVE_LEAST =
      BOUNDS == Bounds.NEGATIVE_LEAST || BOUNDS == Bounds.AROUND_ZERO;
  private static final boolean HAS_POSITIVE_MOST =
      BOUNDS == Bounds.POSITIVE_MOST || BOUNDS == Bounds.AROUND_ZERO;

  /**
   * Whether elements of 16 bits are bounded when they are rounded, two in a lane: rounding is
   * monotone, and bounds are values of the type.
   */
  private static final boolean BOUNDS_LAST = HALVES && BOUNDS != Bounds.ANY;

  private static final Class<? extends MemorySegment> MEMORY = VARIANT.memory().type();
  private static final Class<?> ELEMENT = VARIANT.memory().element();

  private static final VectorShape SHAPE = VectorShape.forBitSize(VARIANT.bits());
  private static final VectorSpecies<Long> L = VectorSpecies.of(long.class, SHAPE);
  private static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, SHAPE);
  private static final VectorSpecies<Float> F = VectorSpecies.of(float.class, SHAPE);
  private static final int VL = L.length();
  private static final int VI = I.length();
  private static final int VECTOR_BYTES = SHAPE.vectorBitSize() / 8;
  private static final long LOW = 0xFFFFFFFFL;
  private static final LongVector IOTA = LongVector.broadcast(L, 0).addIndex(1);

  // The classes of the vectors.
  private static final Class<?> LONGS = IOTA.getClass();
  private static final Class<?> INTS = IntVector.zero(I).getClass();
  private static final Class<?> BYTES =
      ByteVector.zero(VectorSpecies.of(byte.class, SHAPE)).getClass();
  private static final Class<?> SHORTS =
      ShortVector.zero(VectorSpecies.of(short.class, SHAPE)).getClass();
  private static final Class<?> DOUBLES =
      DoubleVector.zero(VectorSpecies.of(double.class, SHAPE)).getClass();
  private static final Class<?> FLOATS = FloatVector.zero(F).getClass();

  /** Steps from the first rounds of a group to its stores; 3 more where the transform is long. */
  private static final int LAG = KIND == Kind.NORMAL || KIND == Kind.TRUNCATED_NORMAL ? 5 : 2;

  private static final int GROUP_BYTES = 4 * VL * (HALVES ? 2 : 4);

  /** Vectors of constants: rounds 4 to 10, k0 then k1, and those of rounds 1 to 3. */
  private static final int CONSTANTS = 19;

  private static final int YK1 = 14 * VL;
  private static final int XK2 = 15 * VL;
  private static final int ZK2 = 16 * VL;
  private static final int XK3 = 17 * VL;
  private static final int ZK3 = 18 * VL;

  private static final ThreadLocal<long[]> SCRATCH =
      ThreadLocal.withInitial(() -> new long[CONSTANTS * VL]);

  private static final int[] PLACES = places(false);
  private static final int[] MIRRORED_PLACES = places(true);
  private static final int[] ZIP = zip();

  /** Made by {@link VectorWidth#load}. */
  StreamVector() {}

  @Override
  public void run(StreamFill fill, long q, int groups, MemorySegment out, long byteOffset) {
    boolean mirrored = fill.subsequenceBits() == 0;
    long seed = fill.seed();
    int k0 = (int) (mirrored ? seed >>> 32 : seed);
    int k1 = (int) (mirrored ? seed : seed >>> 32);
    long m0 = (mirrored ? Philox4x32.M1 : Philox4x32.M0) & LOW;
    long m1 = (mirrored ? Philox4x32.M0 : Philox4x32.M1) & LOW;
    int w0 = mirrored ? Philox4x32.W1 : Philox4x32.W0;
    int w1 = mirrored ? Philox4x32.W0 : Philox4x32.W1;
    long row = mirrored ? 0 : q >>> 16;
    long c = mirrored ? q & LOW : q & 0xFFFF;
    int x = (int) row;
    int y = (int) (row >>> 32);
    int w = mirrored ? (int) (q >>> 32) : 0;

    long[] constants = SCRATCH.get();
    for (int round = 3; round < Philox4x32.ROUNDS; round++) {
      int at = 2 * (round - 3) * VL;
      int shift = round == Philox4x32.ROUNDS - 1 ? 32 : 0; // the last keys go to the upper half
      set(constants, at, (k0 + round * w0 & LOW) << shift);
      set(constants, at + VL, (k1 + round * w1 & LOW) << shift);
    }
    long o1 = (x & LOW) * m0; // round 1's product of x
    int z1 = (int) (o1 >>> 32) ^ w ^ k1;
    long n2 = (z1 & LOW) * m1; // round 2's product of z
    int x2 = (int) (n2 >>> 32) ^ k0 + w0;
    set(constants, YK1, (long) (y ^ k0) << 32);
    set(constants, XK2, x2 & LOW);
    set(constants, ZK2, (long) ((int) o1 ^ k1 + w1) << 32);
    set(constants, XK3, (long) ((int) n2 ^ k0 + 2 * w0) << 32);
    set(constants, ZK3, k1 + 2 * w1 & LOW);
    int[] places = mirrored ? MIRRORED_PLACES : PLACES;
    loop(fill, c, m0, m1, constants, places, groups, false, out, byteOffset);
  }

  @Override
  public void idle(StreamFill fill, MemorySegment out, int calls) {
    for (int call = 0; call < calls; call++) {
      loop(fill, 0, 0, 0, null, null, 0, true, out, 0);
    }
  }

  /**
   * The loop, for blocks with the counter word c, c + 1, …
   *
   * @param mul0 M0, or M1 if mirrored; {@code mul1} the other
   * @param keys the constants of {@link #run}
   * @param idle whether to do nothing, and be counted
   */
  private static void loop(
      StreamFill fill,
      long c,
      long mul0,
      long mul1,
      long[] keys,
      int[] places,
      int groups,
      boolean idle,
      MemorySegment target,
      long byteOffset) {
    if (idle) {
      return;
    }
    MemorySegment out = MEMORY.cast(target); // a type that the compiler knows
    LongVector low = LongVector.broadcast(L, LOW);
    LongVector m0 = LongVector.broadcast(L, mul0).and(low);
    LongVector m1 = LongVector.broadcast(L, mul1).and(low);
    LongVector next = IOTA.add(c).mul(mul1);
    LongVector step = LongVector.broadcast(L, VL * mul1);
    IntVector firstPlaces = IntVector.fromArray(I, places, 0);
    IntVector secondPlaces = IntVector.fromArray(I, places, VI);
    IntVector zipLow = IntVector.fromArray(I, ZIP, 0);
    IntVector zipHigh = IntVector.fromArray(I, ZIP, VI);
    FloatVector s = FloatVector.broadcast(F, (float) fill.scale());
    FloatVector t = FloatVector.broadcast(F, (float) fill.shift());
    float leastValue = (float) fill.least();
    float mostValue = (float) fill.most();
    FloatVector least = FloatVector.broadcast(F, leastValue);
    FloatVector most = FloatVector.broadcast(F, mostValue);
    FloatVector unit = FloatVector.broadcast(F, (float) fill.scale() * 0x1p-24f);

    // Products between rounds 4 and 5, and between rounds 7 and 8.
    LongVector bn = next;
    LongVector bo = next;
    LongVector bp = next;
    LongVector br = next;
    LongVector cn = next;
    LongVector co = next;
    LongVector cp = next;
    LongVector cr = next;

    // Between the stages of a normal, and of two truncated ones. Each is made anew in every step:
    // the compiler may box a vector that only changes its name.
    FloatVector u1 = s;
    IntVector y1 = zipLow;
    FloatVector e2 = s;
    FloatVector h2 = s;
    FloatVector g2 = s;
    FloatVector a2 = s;
    FloatVector p2 = s;
    IntVector k2 = zipLow;
    FloatVector l3 = s;
    FloatVector sin3 = s;
    FloatVector cos3 = s;

    IntVector x1 = zipLow;
    IntVector x1b = zipLow;
    FloatVector q2 = s;
    FloatVector q2b = s;
    FloatVector v2 = s;
    FloatVector v2b = s;
    FloatVector z3 = s;
    FloatVector z3b = s;

    for (int i = -LAG; i < groups; i++) {
      next = exact(next);
      bn = exact(bn);
      bo = exact(bo);
      bp = exact(bp);
      br = exact(br);
      cn = exact(cn);
      co = exact(co);
      cp = exact(cp);
      cr = exact(cr);

      // Rounds 8 to 10.
      LongVector n = PhiloxVector.round(L, co, cr, keys, 9 * VL, m1, low);
      LongVector o = PhiloxVector.round(L, cn, cp, keys, 8 * VL, m0, low);
      LongVector p = PhiloxVector.round(L, o, co, keys, 11 * VL, m1, low);
      LongVector r = PhiloxVector.round(L, n, cn, keys, 10 * VL, m0, low);
      LongVector x = p.lanewise(XOR, LongVector.fromArray(L, keys, 12 * VL));
      LongVector z = r.lanewise(XOR, LongVector.fromArray(L, keys, 13 * VL));
      IntVector yx = n.lanewise(LSHL, 32).lanewise(XOR, x).reinterpretAsInts();
      IntVector wz = o.lanewise(LSHL, 32).lanewise(XOR, z).reinterpretAsInts();
      IntVector first = firstPlaces.selectFrom(yx, wz);
      IntVector second = secondPlaces.selectFrom(yx, wz);

      // What the words become.
      long at = byteOffset + (long) GROUP_BYTES * Math.max(i, 0);
      IntVector result = first;
      IntVector resultB = second;
      if (KIND == Kind.NORMAL) {
        u1 = exact(u1);
        y1 = exact(y1);
        e2 = exact(e2);
        h2 = exact(h2);
        g2 = exact(g2);
        a2 = exact(a2);
        p2 = exact(p2);
        k2 = exact(k2);
        l3 = exact(l3);
        sin3 = exact(sin3);
        cos3 = exact(cos3);

        FloatVector radius = l3.lanewise(SQRT);
        result = radius.mul(sin3).fma(s, t).reinterpretAsInts();
        resultB = radius.mul(cos3).fma(s, t).reinterpretAsInts();

        FloatVector sin = NormalF32Vector.sinEnd(F, a2, p2);
        FloatVector cos = NormalF32Vector.cos(F, NormalF32Vector.square(a2));
        sin3 = NormalF32Vector.sinOfTurn(F, k2, sin, cos);
        cos3 = NormalF32Vector.cosOfTurn(F, k2, sin, cos);
        l3 = NormalF32Vector.minusTwoLn(F, e2, h2, NormalF32Vector.logEnd(F, h2, g2));

        e2 = (FloatVector) NormalF32Vector.exponent(u1).convertShape(I2F, F, 0);
        h2 = NormalF32Vector.argument(F, u1);
        g2 = NormalF32Vector.logBegin(F, h2);
        a2 = NormalF32Vector.angle(F, y1);
        p2 = NormalF32Vector.sinBegin(F, NormalF32Vector.square(a2));
        k2 = NormalF32Vector.turn(y1);

        u1 = NormalF32Vector.unit(F, first);
        y1 = second;
      } else if (KIND == Kind.TRUNCATED_NORMAL) {
        x1 = exact(x1);
        x1b = exact(x1b);
        q2 = exact(q2);
        q2b = exact(q2b);
        v2 = exact(v2);
        v2b = exact(v2b);
        z3 = exact(z3);
        z3b = exact(z3b);

        result = bounded(z3.fma(s, t), least, most);
        resultB = bounded(z3b.fma(s, t), least, most);

        z3 = q2.mul(TruncatedNormalF32Vector.ratio(F, v2));
        z3b = q2b.mul(TruncatedNormalF32Vector.ratio(F, v2b));

        q2 = TruncatedNormalF32Vector.middle(F, x1, fill.truncated32());
        q2b = TruncatedNormalF32Vector.middle(F, x1b, fill.truncated32());
        v2 =
            TruncatedNormalF32Vector.root(TruncatedNormalF32Vector.tail(F, x1, fill.truncated32()));
        v2b =
            TruncatedNormalF32Vector.root(
                TruncatedNormalF32Vector.tail(F, x1b, fill.truncated32()));

        x1 = first;
        x1b = second;
      } else if (KIND == Kind.UNIFORM && BOUNDS != Bounds.ANY) {
        result = bounded(uniform(first, unit, t), least, most);
        resultB = bounded(uniform(second, unit, t), least, most);
      } else if (KIND == Kind.UNIFORM) {
        FloatVector whole = FloatVector.broadcast(F, 0x1p-24f);
        FloatVector zero = FloatVector.broadcast(F, -0f);
        result = bounded(uniform(first, whole, zero).fma(s, t), least, most);
        resultB = bounded(uniform(second, whole, zero).fma(s, t), least, most);
      }

      // Stores.
      result = exact(result);
      resultB = exact(resultB);
      if (HALVES) {
        IntVector packed =
            KIND == Kind.BITS
                ? Rounding.upper(result, resultB)
                : Rounding.bfloat16(result, resultB);
        if (HAS_NEGATIVE_LEAST) {
          packed = Rounding.least(packed, leastValue);
        }
        if (HAS_POSITIVE_MOST) {
          packed = Rounding.most(packed, mostValue);
        }
        Target.store(packed, out, at, ELEMENT);
      } else {
        if (KIND == Kind.NORMAL) {
          IntVector zipped = zipLow.selectFrom(result, resultB);
          resultB = zipHigh.selectFrom(result, resultB);
          result = zipped;
        }
        Target.store(exact(result), out, at, ELEMENT);
        Target.store(exact(resultB), out, at + VECTOR_BYTES, ELEMENT);
      }

      // Rounds 5 to 7.
      n = PhiloxVector.round(L, bo, br, keys, 3 * VL, m1, low);
      o = PhiloxVector.round(L, bn, bp, keys, 2 * VL, m0, low);
      cp = PhiloxVector.round(L, o, bo, keys, 5 * VL, m1, low);
      cr = PhiloxVector.round(L, n, bn, keys, 4 * VL, m0, low);
      cn = PhiloxVector.round(L, cr, o, keys, 7 * VL, m1, low);
      co = PhiloxVector.round(L, cp, n, keys, 6 * VL, m0, low);

      // Rounds 1 to 4, round 1 by addition.
      LongVector n1 = next;
      next = next.add(step);
      LongVector word = n1.lanewise(XOR, LongVector.fromArray(L, keys, YK1));
      r = word.lanewise(LSHR, 32).mul(m0);
      o = word.lanewise(XOR, LongVector.fromArray(L, keys, XK2)).and(low).mul(m0);
      word = r.lanewise(XOR, LongVector.fromArray(L, keys, ZK2)).lanewise(LSHR, 32);
      p = word.mul(m1);
      word = p.lanewise(XOR, LongVector.fromArray(L, keys, XK3)).lanewise(LSHR, 32);
      br = word.mul(m0);
      bp = PhiloxVector.round(L, o, r, keys, ZK3, m1, low);
      bn = PhiloxVector.round(L, br, o, keys, VL, m1, low);
      bo = PhiloxVector.round(L, bp, p, keys, 0, m0, low);
    }
  }

  /**
   * The same vector, seen to be of its exact class. The compiler resolves operations of abstract
   * vectors one after the other, as it learns their classes; what comes from the last step of a
   * loop it would learn last, and might box for good.
   */
  @Inlined
  static LongVector exact(LongVector v) {
    return (LongVector) LONGS.cast(v);
  }

  @Inlined
  static IntVector exact(IntVector v) {
    return (IntVector) INTS.cast(v);
  }

  @Inlined
  static FloatVector exact(FloatVector v) {
    return (FloatVector) FLOATS.cast(v);
  }

  private static void set(long[] constants, int at, long value) {
    LongVector.broadcast(L, value).intoArray(constants, at);
  }

  /** (word ≫ 8)·scale + shift. */
  @Inlined
  static FloatVector uniform(IntVector word, FloatVector scale, FloatVector shift) {
    return ((FloatVector) word.lanewise(LSHR, 8).convertShape(I2F, F, 0)).fma(scale, shift);
  }

  /** Patterns of values within the bounds. */
  @Inlined
  static IntVector bounded(FloatVector value, FloatVector least, FloatVector most) {
    if (BOUNDS == Bounds.ANY) {
      return Rounding.bounded(value, least, most);
    }
    IntVector bits = value.reinterpretAsInts();
    if (BOUNDS_LAST) {
      return bits;
    }
    if (HAS_NEGATIVE_LEAST) {
      bits = Rounding.notBelowNegative(bits, least);
    }
    if (HAS_POSITIVE_MOST) {
      bits = Rounding.notAbovePositive(bits, most);
    }
    return bits;
  }

  /**
   * Where a group's two vectors take their words from, as lanes of (y, x)… then of (w, z)…: in the
   * stream's order; or words at even, then those at odd places, for pairs and for 16-bit types; or
   * the even, then the odd pairs of words, for pairs in F64.
   */
  private static int[] places(boolean mirrored) {
    int[] places = new int[2 * VI];
    for (int at = 0; at < 2 * VI; at++) {
      int vector = at / VI;
      int lane = at % VI;
      int word;
      if (HALVES || KIND == Kind.NORMAL) {
        word = 2 * lane + vector;
      } else {
        word = at;
      }
      boolean wz = (word & 2) != 0 != mirrored;
      places[at] = 2 * (word / 4) + (word & 1 ^ 1) + (wz ? VI : 0);
    }
    return places;
  }

  /** Two vectors a, b become a0 b0 a1 b1 …, in two vectors. */
  private static int[] zip() {
    int[] places = new int[2 * VI];
    for (int at = 0; at < 2 * VI; at++) {
      places[at] = at / 2 + (at % 2 == 0 ? 0 : VI);
    }
    return places;
  }
}
