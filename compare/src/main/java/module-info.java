/** Agreement of backends, files of results, and the report of them. */
module dev.weft.compare {
  requires transitive dev.weft;
  requires transitive dev.weft.interop;
  requires java.management;
  requires jdk.management;

  exports dev.weft.compare;
  exports dev.weft.compare.report;
}
