package io.nianbao.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.nianbao.v1.Blank;
import io.nianbao.v1.ErrorReason;
import io.nianbao.v1.Finding;
import io.nianbao.v1.Operand;
import io.nianbao.v1.Problems;
import io.nianbao.v1.Report;
import io.nianbao.v1.Severity;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class FindingsTest {
  private static final String ORGAN = "java-test-offline";

  @Test
  void aSoundReportHasNoFindings() {
    assertEquals(List.of(), Findings.of(Samples.sound(ORGAN)));
  }

  @Test
  void aFindingNamesRulePathsCellAndTexts() {
    Finding finding = Findings.of(Samples.wrong(ORGAN)).get(0);

    assertEquals("applicants.total", finding.getRuleId());
    assertEquals(Severity.SEVERITY_ERROR, finding.getSeverity());
    assertEquals("requests.unable.not_held", finding.getRulePath());
    assertEquals("requests.unable.not_held.total", finding.getFieldPath());
    assertEquals("表三·（四）无法提供·1.本机关不掌握相关政府信息·总计", finding.getCell());
    assertEquals("总计应等于自然人与法人或其他组织各列之和", finding.getMessageZh());
    assertTrue(finding.getFingerprint().matches("[0-9a-f]{16}"));
  }

  @Test
  void operandsAreTheSelectionsOfTheExpressionEachOnce() {
    Finding finding = Findings.of(Samples.wrong(ORGAN)).get(0);
    List<String> paths = finding.getOperandsList().stream().map(Operand::getFieldPath).toList();

    assertEquals(paths.stream().distinct().toList(), paths);
    assertTrue(paths.contains("requests.unable.not_held.total"));
    assertTrue(paths.contains("requests.unable.not_held.natural_person"));
  }

  @Test
  void aBlankCellIsAnOperandWithoutAValue() {
    Report.Builder report = Samples.sound(ORGAN).toBuilder();
    report.getRequestsBuilder().getGrantedBuilder().clearBusiness();
    Finding finding =
        Findings.of(report.build()).stream()
            .filter(f -> f.getRuleId().equals("applicants.blank"))
            .findFirst()
            .orElseThrow();

    Operand blank =
        finding.getOperandsList().stream()
            .filter(o -> o.getFieldPath().equals("requests.granted.business"))
            .findFirst()
            .orElseThrow();
    assertTrue(!blank.hasValue());
  }

  @Test
  void aMissingPartIsFoundWithoutAValue() {
    Report report = Samples.sound(ORGAN).toBuilder().clearDisputes().build();
    List<Finding> findings = Findings.of(report);

    assertEquals(List.of("required"), findings.stream().map(Finding::getRuleId).toList());
    assertEquals("表四", findings.get(0).getCell());
    assertEquals(
        List.of(Operand.newBuilder().setFieldPath("disputes").build()),
        findings.get(0).getOperandsList());
  }

  @Test
  void wordsThatARuleLooksForAreItsOperandNotTheWholeText() {
    Report.Builder report = Samples.sound(ORGAN).toBuilder();
    report.getOverviewBuilder().setText("本年度实现零纠错，成绩显著。");
    report.getDisputesBuilder().getReconsiderationBuilder().setCorrected(1).setTotal(1);
    Finding finding =
        Findings.of(report.build()).stream()
            .filter(f -> f.getRuleId().equals("report.zero_corrected"))
            .findFirst()
            .orElseThrow();

    Operand words = Operand.newBuilder().setFieldPath("overview.text").setValue("零纠错").build();
    assertTrue(finding.getOperandsList().contains(words));
  }

  @Test
  void derivedFindingsComeLast() {
    Report.Builder report = Samples.sound(ORGAN).toBuilder();
    report.getRequestsBuilder().getGrantedBuilder().setNaturalPerson(9).setTotal(9);
    List<Boolean> derived = Findings.of(report.build()).stream().map(Finding::getDerived).toList();

    assertTrue(derived.contains(true) && derived.contains(false), derived.toString());
    assertEquals(derived.stream().sorted().toList(), derived);
  }

  @Test
  void aBlankThatNamesNoCellRepeatsOneOrHasAValueIsFound() {
    Report.Builder report = Samples.sound(ORGAN).toBuilder();
    for (String path : List.of("nowhere", "requests.granted.total", "requests.granted.total")) {
      report.addBlanks(Blank.newBuilder().setFieldPath(path).setKind(Blank.Kind.KIND_EMPTY));
    }
    List<String> found =
        Findings.of(report.build()).stream()
            .map(f -> f.getRuleId() + " " + f.getRulePath() + " " + f.getCell())
            .toList();

    assertEquals(
        List.of(
            "blanks.path blanks[0].field_path 空白登记",
            "blanks.repeated blanks[2].field_path 表三·（一）予以公开·总计",
            "blanks.valued blanks[1].field_path 表三·（一）予以公开·总计"),
        found);
  }

  @Test
  void itemsFarBeyondTheLimitOfAListAreNotLookedAt() {
    Report.Builder report = Samples.sound(ORGAN).toBuilder();
    Stream.generate(Blank::getDefaultInstance).limit(20_000).forEach(report::addBlanks);
    List<String> paths = Findings.of(report.build()).stream().map(Finding::getRulePath).toList();

    assertTrue(paths.contains("blanks[1023].field_path"));
    assertFalse(paths.contains("blanks[1024].field_path"));
  }

  @Test
  void whatIsSubmittedAsPublishedIsNotRefusedForItsWarnings() {
    Report report =
        Samples.sound(ORGAN).toBuilder().setProblems(Problems.newBuilder().setText("无。")).build();

    assertThrows(NianbaoException.class, Submission.of(report).check()::refuseOffline);
    Submission.of(report).asPublished("as it was printed").check().refuseOffline();
  }

  @Test
  void sumsThatOverflowAreAnErrorThatSaysSo() {
    Report.Builder report = Samples.sound(ORGAN).toBuilder();
    report.getRequestsBuilder().getGrantedBuilder().setBusiness(Long.MAX_VALUE);
    NianbaoException error =
        assertThrows(NianbaoException.class, () -> Findings.of(report.build()));

    assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
    assertEquals("数值过大，无法核算", error.messageZh());
    assertEquals(ErrorReason.ERROR_REASON_REPORT_HAS_ERRORS, error.reason().orElseThrow());
    assertEquals("cell.range", error.violations().get(0).ruleId());
  }

  @Test
  void aSubmissionThatIsCheckedIsRefusedBeforeItIsSent() {
    // Nobody listens there.
    try (NianbaoClient client = NianbaoClient.builder("127.0.0.1:1").plaintext().build()) {
      NianbaoException error =
          assertThrows(
              NianbaoException.class,
              () -> client.submit(Submission.of(Samples.wrong(ORGAN)).check()));

      assertEquals(ErrorReason.ERROR_REASON_REPORT_HAS_ERRORS, error.reason().orElseThrow());
      assertEquals("applicants.total", error.violations().get(0).ruleId());
      assertEquals(2, error.findings().size());
    }
  }
}
