package io.nianbao.client;

import build.buf.protovalidate.Validator;
import io.nianbao.v1.Report;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Compares protovalidate for Java with the compiled rules. Its arguments are the file of reports
 * and that of descriptors, as `tests/differential/README.md` describes them; the second is not
 * needed, since generated code brings its own.
 */
final class Differential {
  /** So many reports that differ are shown; a wrong rule differs in thousands. */
  private static final int SHOWN_MAX = 5;

  private static final int TEXT_SHOWN_MAX = 20_000;
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private Differential() {}

  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 2) {
      System.err.println("usage: differential REPORTS DESCRIPTORS");
      System.exit(2);
    }
    int count = 0;
    int differing = 0;
    try (InputStream file = Files.newInputStream(Path.of(arguments[0]));
        DataInputStream records = new DataInputStream(new BufferedInputStream(file))) {
      Optional<byte[]> report;
      while ((report = part(records)).isPresent()) {
        byte[] lines =
            part(records).orElseThrow(() -> new EOFException("a report has no expectation"));
        Set<String> expected =
            new String(lines, StandardCharsets.UTF_8)
                .lines()
                .collect(Collectors.toCollection(TreeSet::new));
        if (differs(count, Report.parseFrom(report.get()), expected, differing < SHOWN_MAX)) {
          differing++;
        }
        count++;
      }
    }
    String version = Validator.class.getPackage().getImplementationVersion();
    String engine = "(java, protovalidate " + version + ")";
    boolean agree = count > 0 && differing == 0;
    OUT.println(
        agree
            ? count + " reports agree " + engine
            : differing + " of " + count + " reports differ " + engine);
    System.exit(agree ? 0 : 1);
  }

  /** The next part of a record; empty at the end of the file. */
  private static Optional<byte[]> part(DataInputStream records) throws IOException {
    records.mark(1);
    if (records.read() < 0) {
      return Optional.empty();
    }
    records.reset();
    byte[] content = new byte[records.readInt()];
    records.readFully(content);
    return Optional.of(content);
  }

  private static boolean differs(int index, Report report, Set<String> expected, boolean shown) {
    Set<String> found = new TreeSet<>();
    String error = "";
    try {
      Findings.violations(report)
          .forEach(v -> found.add(Operands.dotted(v.getField()) + "\t" + v.getRuleId()));
    } catch (NianbaoException e) {
      error = e.getMessage();
    }
    if (error.isEmpty() && found.equals(expected)) {
      return false;
    }
    if (shown) {
      OUT.println("report " + index + " (from 0) differs: " + error);
      expected.stream()
          .filter(line -> !found.contains(line))
          .forEach(line -> OUT.println("  the compiled rules alone: " + line));
      found.stream()
          .filter(line -> !expected.contains(line))
          .forEach(line -> OUT.println("  protovalidate alone: " + line));
      String text = report.toString();
      OUT.println(text.substring(0, Math.min(text.length(), TEXT_SHOWN_MAX)));
    }
    return true;
  }
}
