package dev.weft.cli;

import java.nio.charset.StandardCharsets;
import java.text.MessageFormat;
import java.util.Locale;
import java.util.MissingResourceException;
import java.util.ResourceBundle;

/** Sends the library's warnings to standard error, one line each, without a logging framework. */
public final class ErrLogs extends System.LoggerFinder {
  /** For {@link java.util.ServiceLoader}. */
  public ErrLogs() {}

  @Override
  public System.Logger getLogger(String name, Module module) {
    return new ErrLog(name);
  }

  private record ErrLog(String name) implements System.Logger {
    @Override
    public String getName() {
      return name;
    }

    @Override
    public boolean isLoggable(Level level) {
      return level.getSeverity() >= Level.WARNING.getSeverity() && level != Level.OFF;
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String message, Throwable thrown) {
      log(level, bundle, message + (thrown == null ? "" : ": " + thrown), (Object[]) null);
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String format, Object... values) {
      if (isLoggable(level)) {
        String text = format;
        if (bundle != null && format != null) {
          try {
            text = bundle.getString(format);
          } catch (MissingResourceException e) {
            text = format; // the key says what it can
          }
        }
        String message =
            values == null || values.length == 0 ? text : MessageFormat.format(text, values);
        String line = "weft: " + level.getName().toLowerCase(Locale.ROOT) + ": " + message;
        byte[] bytes = (Printable.line(line) + "\n").getBytes(StandardCharsets.UTF_8);
        System.err.write(bytes, 0, bytes.length); // UTF-8, as all that weft writes
        System.err.flush();
      }
    }
  }
}
