package dev.weft.cpu.vector;

import dev.weft.cpu.scalar.TruncatedNormalF32;
import dev.weft.cpu.scalar.TruncatedNormalF64;

/**
 * The vector loops, which work on small arrays in the first-level cache: random words first, then
 * their transforms. Implementations are loaded once per width by {@link VectorWidth}.
 */
final class TileKernels {
  /** Blocks of four words that a tile holds. */
  static final int BLOCKS = 768;

  /** Words of a tile; every index below it may be written. */
  static final int WORDS = 4 * BLOCKS;

  /** Index of a tile's first word: what is before it is scratch of the pipeline's first steps. */
  static final int BASE = 64;

  /** Length of a tile's array of words: a last group may be written whole. */
  static final int LENGTH = BASE + WORDS + 64;

  private TileKernels() {}

  /** How the words of a group of blocks (as many as a vector has longs) lie in a tile. */
  enum Order {
    /** As in the stream. */
    STREAM,
    /** A vector of the words at even positions, then a vector of those at odd positions. */
    SPLIT
  }

  /** Philox4x32-10. */
  interface Philox {
    /**
     * Writes the words of blocks {@code q .. q + blocks - 1} to {@code words} from {@link #BASE}
     * on.
     *
     * @param blocks at most {@link #BLOCKS}; the blocks may not cross a multiple of 2¹⁶ (CURAND
     *     order) or 2³² (SEQUENTIAL)
     * @param subsequenceBits 16 or 0
     */
    void words(long seed, int subsequenceBits, long q, int blocks, Order order, int[] words);
  }

  /**
   * Words to elements; {@code count} is rounded up to whole groups, for which the arrays have room.
   */
  interface Transform {
    /** STREAM words to uniforms: clamped fma(k·2⁻²⁴, scale, shift). */
    void uniform(
        int[] words, float[] out, int count, float scale, float shift, float least, float most);

    /** STREAM words, two an element, to uniforms in f64; {@code count} elements. */
    void uniform(
        int[] words,
        double[] out,
        int count,
        double scale,
        double shift,
        double least,
        double most);

    /** SPLIT words to normals. */
    void normal(int[] words, float[] out, int count, float scale, float shift);

    /** STREAM words to truncated normals. */
    void truncatedNormal(
        int[] words,
        float[] out,
        int count,
        TruncatedNormalF32.Plan plan,
        float scale,
        float shift,
        float least,
        float most);

    /** STREAM words, four a pair of elements, to normals in f64. */
    void normal(int[] words, double[] out, int count, double scale, double shift);

    /** STREAM words, two an element, to truncated normals in f64. */
    void truncatedNormal(
        int[] words,
        double[] out,
        int count,
        TruncatedNormalF64.Plan plan,
        double scale,
        double shift,
        double least,
        double most);

    /** f32 values to bfloat16, rounded to nearest even. */
    void toBfloat16(float[] values, short[] out, int count);

    /** f32 values to binary16, rounded to nearest even. */
    void toFloat16(float[] values, short[] out, int count);
  }
}
