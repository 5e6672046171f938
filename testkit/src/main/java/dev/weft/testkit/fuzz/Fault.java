package dev.weft.testkit.fuzz;

/**
 * A rule that an input broke.
 *
 * @param kind which rule, and where; the same for every input that shows the same fault
 * @param detail what happened
 * @param cause what was thrown, or null
 */
record Fault(String kind, String detail, Throwable cause) {
  /** A parser threw what it must not. */
  static Fault thrown(Throwable cause) {
    StackTraceElement[] trace = cause.getStackTrace();
    String where = "";
    for (StackTraceElement element : trace) {
      if (element.getClassName().startsWith("dev.weft.")) {
        where = element.getClassName() + ":" + element.getLineNumber();
        break;
      }
    }
    String kind = cause.getClass().getName() + " at " + where;
    return new Fault(kind, kind + ": " + cause.getMessage(), cause);
  }
}
