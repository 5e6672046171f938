/** The command line. */
module dev.weft.cli {
  requires dev.weft;
  requires dev.weft.interop;
  requires info.picocli;
}
