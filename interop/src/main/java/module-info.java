/** Files and memory shared with other numeric stacks. */
module dev.weft.interop {
  requires transitive dev.weft;
}
