/** The command line. */
module dev.weft.cli {
  requires dev.weft;
  requires dev.weft.compare;
  requires dev.weft.interop;
  requires info.picocli;
  requires java.desktop;
  requires java.management;
  requires jdk.management;

  provides System.LoggerFinder with
      dev.weft.cli.ErrLogs;

  opens dev.weft.cli to
      info.picocli;
}
