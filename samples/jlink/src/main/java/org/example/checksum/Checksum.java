package org.example.checksum;

import dev.weft.Backend;
import dev.weft.Shape;
import dev.weft.Tensor;
import dev.weft.Weft;
import dev.weft.init.Initializers;
import dev.weft.random.RandomKey;
import java.util.Arrays;

/** Fills an array of its own and prints a checksum of its bits, and how it was filled. */
public class Checksum {
  public static void main(String[] args) {
    float[] weights = new float[2048 * 2048];
    try (Backend backend = Weft.open();
        Tensor tensor = backend.wrap(weights, Shape.of(2048, 2048))) {
      tensor.fill(Initializers.heNormal(), RandomKey.of(42));
      System.out.printf("%08x by %s%n", Arrays.hashCode(weights), backend.info().probe().detail());
    }
  }
}
