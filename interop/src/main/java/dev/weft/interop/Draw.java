package dev.weft.interop;

import dev.weft.DType;
import dev.weft.Region;
import dev.weft.init.Fill;
import dev.weft.random.RandomKey;
import java.util.Optional;

/** One tensor to be written: what its bytes are, and its receipt if it has one. */
record Draw(Fill fill, RandomKey key, DType dtype, Region region, Optional<Receipt> receipt) {
  /** Checks that the fill suits. */
  Draw {
    fill.check(region.logical(), dtype);
  }

  static Draw of(Receipt receipt) {
    return new Draw(
        receipt.fill(), receipt.key(), receipt.dtype(), receipt.region(), Optional.of(receipt));
  }

  ElementType type() {
    return ElementType.of(dtype, fill);
  }

  long byteSize() {
    return dtype.byteSize(region.shape().elements());
  }
}
