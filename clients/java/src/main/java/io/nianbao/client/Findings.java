package io.nianbao.client;

import build.buf.protovalidate.Validator;
import build.buf.protovalidate.ValidatorFactory;
import build.buf.protovalidate.exceptions.ValidationException;
import build.buf.validate.Violation;
import io.nianbao.v1.Finding;
import io.nianbao.v1.Operand;
import io.nianbao.v1.Report;
import io.nianbao.v1.Severity;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Findings without a server: what protovalidate finds in a report, told as the server tells it.
 *
 * <p>Rule, paths, cell, severity, operands, {@code derived}, fingerprint and order are those of the
 * server. Texts are those of the catalogue, without figures: {@code expected}, {@code actual},
 * {@code delta} and {@code span} are the server's alone, as are the rules {@code year.*} and {@code
 * outlier.*}, which compare with other reports.
 */
public final class Findings {
  private static final Validator VALIDATOR = ValidatorFactory.newBuilder().build();
  private static final int FINGERPRINT_BYTES = 8;

  /** The rule by which the server says that a sum overflows. */
  private static final String OVERFLOW = "cell.range";

  private Findings() {}

  /** A finding and its place in form order. */
  private record Ranked(int rank, Finding finding) {}

  /**
   * What the rules find in a report, in form order, derived ones last.
   *
   * @throws NianbaoException where a rule cannot be computed, since its cells are too large: its
   *     violation is {@code cell.range}
   */
  public static List<Finding> of(Report report) {
    List<Ranked> found = new ArrayList<>();
    for (Violation violation : violations(report)) {
      if (!Operands.isBeyondReading(violation.getField())) {
        found.add(finding(report, violation));
      }
    }
    Blanks.check(report, broken -> found.add(finding(report, broken)));
    Map<String, List<Finding>> ofRule =
        found.stream().map(Ranked::finding).collect(Collectors.groupingBy(Finding::getRuleId));
    return found.stream()
        .map(f -> new Ranked(f.rank, markDerived(f.finding, ofRule)))
        .sorted(
            Comparator.comparing((Ranked f) -> f.finding.getDerived())
                .thenComparing(Ranked::rank)
                .thenComparing(f -> f.finding.getRuleId())
                .thenComparing(f -> f.finding.getRulePath())
                .thenComparing(f -> f.finding.getFingerprint()))
        .map(Ranked::finding)
        .toList();
  }

  /** Findings of severity ERROR: a server refuses a report with one. */
  public static List<Finding> errors(List<Finding> findings) {
    return findings.stream().filter(f -> f.getSeverity() == Severity.SEVERITY_ERROR).toList();
  }

  /**
   * The warnings that the explanations of the report do not cover: a server refuses a report with
   * one. A derived warning is explained by the finding that explains it.
   */
  public static List<Finding> unexplained(Report report, List<Finding> findings) {
    return findings.stream()
        .filter(f -> f.getSeverity() == Severity.SEVERITY_WARNING && !f.getDerived())
        .filter(
            f ->
                report.getExplanationsList().stream()
                    .noneMatch(e -> e.getFingerprint().equals(f.getFingerprint())))
        .toList();
  }

  /** What protovalidate alone finds. */
  static List<Violation> violations(Report report) {
    try {
      return VALIDATOR.validate(report).getViolations().stream()
          .map(build.buf.protovalidate.Violation::toProto)
          .toList();
    } catch (ValidationException e) {
      throw NianbaoException.overflowing(entry(OVERFLOW), e);
    }
  }

  private static Ranked finding(Report report, Violation violation) {
    String rule = violation.getRuleId();
    Catalogue.Entry entry = entry(rule);
    List<Operand> operands =
        entry
            .reads()
            .map(reads -> Operands.ofExpression(report, violation.getField(), reads))
            .orElseGet(() -> Operands.ofStandard(report, violation.getField(), rule));
    return finding(report, entry, Operands.dotted(violation.getField()), operands);
  }

  private static Ranked finding(Report report, Blanks.Broken broken) {
    List<Operand> operands =
        List.of(Operand.newBuilder().setFieldPath(broken.path()).setValue(broken.found()).build());
    return finding(report, entry(broken.rule()), broken.path(), operands);
  }

  private static Ranked finding(
      Report report, Catalogue.Entry entry, String rulePath, List<Operand> operands) {
    String rule = entry.options().getId();
    String fieldPath = Operands.join(rulePath, entry.options().getSubject());
    Form.Place place = Form.nearest(spokenOf(report, fieldPath)).orElse(null);
    Finding finding =
        Finding.newBuilder()
            .setRuleId(rule)
            .setSeverity(entry.options().getSeverity())
            .setRulePath(rulePath)
            .setFieldPath(fieldPath)
            .setCell(place == null ? Form.WHOLE_REPORT : place.address())
            .setMessageZh(entry.textZh())
            .setMessageEn(entry.options().getTextEn())
            .addAllOperands(operands)
            .setFingerprint(fingerprint(rule, fieldPath, operands))
            .build();
    return new Ranked(place == null ? 0 : place.rank(), finding);
  }

  private static Catalogue.Entry entry(String rule) {
    return Catalogue.rule(rule)
        .orElseThrow(() -> new IllegalStateException("the schema does not describe rule " + rule));
  }

  /** The path of the place that a path speaks of: a blank is found under what it names. */
  private static String spokenOf(Report report, String path) {
    int end = path.indexOf(']');
    if (!path.startsWith("blanks[") || end < 0) {
      return path;
    }
    int index = Integer.parseInt(path, "blanks[".length(), end, 10);
    String named = report.getBlanks(index).getFieldPath();
    return Form.nearest(named).isPresent() ? named : path;
  }

  /** See the schema, {@code Finding.fingerprint}. */
  private static String fingerprint(String rule, String fieldPath, List<Operand> operands) {
    StringBuilder lines = new StringBuilder();
    lines.append(rule).append('\n').append(fieldPath).append('\n');
    for (Operand operand : operands) {
      lines.append(operand.getFieldPath());
      if (operand.hasValue()) {
        lines.append('=').append(operand.getValue());
      }
      lines.append('\n');
    }
    byte[] digest = sha256(lines.toString().getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(digest, 0, FINGERPRINT_BYTES);
  }

  /** The SHA-256 of some bytes. */
  static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static Finding markDerived(Finding finding, Map<String, List<Finding>> ofRule) {
    List<String> causes = entry(finding.getRuleId()).options().getImpliedByList();
    boolean derived =
        causes.stream()
            .flatMap(id -> ofRule.getOrDefault(id, List.of()).stream())
            .anyMatch(cause -> explains(cause, finding));
    return derived ? finding.toBuilder().setDerived(true).build() : finding;
  }

  /** On the same message, or below it with an operand in common. */
  private static boolean explains(Finding cause, Finding finding) {
    String above = finding.getRulePath();
    if (cause.getRulePath().equals(above)) {
      return !cause.getRuleId().equals(finding.getRuleId());
    }
    boolean below = above.isEmpty() || cause.getRulePath().startsWith(above + ".");
    return below
        && cause.getOperandsList().stream()
            .anyMatch(
                operand ->
                    finding.getOperandsList().stream()
                        .anyMatch(o -> o.getFieldPath().equals(operand.getFieldPath())));
  }
}
