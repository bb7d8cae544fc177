package io.nianbao.client;

import build.buf.validate.Violation;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import com.google.protobuf.util.Structs;
import com.google.protobuf.util.Values;
import io.nianbao.v1.Finding;
import io.nianbao.v1.Report;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;

/**
 * The runner of the conformance pack: reads one case a line and answers one a line, in order. With
 * {@code --time SECONDS FILE...} it measures how long a validation takes.
 */
final class Conformance {
  private static final String SEVERITY_PREFIX = "SEVERITY_";

  private Conformance() {}

  public static void main(String[] arguments) throws IOException {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    if (arguments.length > 2 && arguments[0].equals("--time")) {
      double seconds = Double.parseDouble(arguments[1]);
      for (String file : List.of(arguments).subList(2, arguments.length)) {
        out.println(json(timed(Path.of(file), seconds)));
      }
      return;
    }
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      out.println(json(answer(line)));
    }
  }

  private static Struct answer(String line) throws IOException {
    Struct.Builder request = Struct.newBuilder();
    JsonFormat.parser().merge(line, request);
    Value name = request.getFieldsOrDefault("name", Values.of(""));
    try {
      String encoded = request.getFieldsOrThrow("binary").getStringValue();
      Report report = Report.parseFrom(Base64.getDecoder().decode(encoded));
      Report parsed = ReportJson.parse(request.getFieldsOrThrow("json").getStringValue());
      List<Value> violations =
          Findings.violations(report).stream().map(Conformance::violation).toList();
      List<Finding> findings = Findings.of(report);
      return Struct.newBuilder()
          .putFields("name", name)
          .putFields("violations", Values.of(violations))
          .putFields("findings", Values.of(findings.stream().map(Conformance::finding).toList()))
          .putFields("json", Values.of(ReportJson.write(report)))
          .putFields("binary", Values.of(Base64.getEncoder().encodeToString(parsed.toByteArray())))
          .putFields("json_findings", Values.of(Findings.of(parsed).equals(findings)))
          .build();
    } catch (IOException | RuntimeException e) {
      return Structs.of("name", name, "error", Values.of(e.toString()));
    }
  }

  private static Value violation(Violation violation) {
    return Values.of(
        Structs.of(
            "path", Values.of(Operands.dotted(violation.getField())),
            "rule", Values.of(violation.getRuleId())));
  }

  private static Value finding(Finding finding) {
    String severity = finding.getSeverity().name().substring(SEVERITY_PREFIX.length());
    return Values.of(
        Struct.newBuilder()
            .putFields("rule", Values.of(finding.getRuleId()))
            .putFields("rule_path", Values.of(finding.getRulePath()))
            .putFields("field_path", Values.of(finding.getFieldPath()))
            .putFields("cell", Values.of(finding.getCell()))
            .putFields("severity", Values.of(severity))
            .putFields("derived", Values.of(finding.getDerived()))
            .putFields("fingerprint", Values.of(finding.getFingerprint()))
            .build());
  }

  /** Half of the time warms up the compiler, a quarter measures each of both. */
  private static Struct timed(Path file, double seconds) throws IOException {
    Report report = Report.parseFrom(Files.readAllBytes(file));
    double share = seconds / 4;
    measure(() -> Findings.violations(report), share);
    measure(() -> Findings.of(report), share);
    List<Double> validations = measure(() -> Findings.violations(report), share);
    List<Double> findings = measure(() -> Findings.of(report), share);
    return Struct.newBuilder()
        .putFields("file", Values.of(file.toString()))
        .putFields("validate_us", Values.of(median(validations)))
        .putFields("findings_us", Values.of(median(findings)))
        .putFields("runs", Values.of(validations.size()))
        .build();
  }

  /** The microseconds of each run within so many seconds, of one run at least. */
  private static List<Double> measure(Runnable run, double seconds) {
    List<Double> micros = new ArrayList<>();
    long end = System.nanoTime() + (long) (seconds * 1e9);
    do {
      long start = System.nanoTime();
      run.run();
      micros.add((System.nanoTime() - start) / 1e3);
    } while (System.nanoTime() < end);
    return micros;
  }

  private static double median(List<Double> values) {
    Collections.sort(values);
    return values.get(values.size() / 2);
  }

  private static String json(Struct struct) throws IOException {
    return JsonFormat.printer().omittingInsignificantWhitespace().print(struct);
  }
}
