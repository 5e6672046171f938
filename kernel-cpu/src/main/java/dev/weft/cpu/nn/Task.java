package dev.weft.cpu.nn;

import dev.weft.cpu.parallel.Workers;

/** Chunks of one operation whose cutting depends on the shape alone; reused from call to call. */
interface Task extends Workers.Body {
  /** Elements that one thread takes at least: below, waking another costs more than it saves. */
  int MIN_CHUNK = 16 << 10;

  /** Elements of a tile on its way through arrays: 4 KiB of F32. */
  int TILE = 1024;

  /** Forgets the caller's objects. */
  void clear();
}
