package io.nianbao.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.nianbao.v1.AggregateReportsRequest;
import io.nianbao.v1.DocumentHeader;
import io.nianbao.v1.ErrorReason;
import io.nianbao.v1.Finding;
import io.nianbao.v1.GetServerInfoRequest;
import io.nianbao.v1.ImportOrgansHeader;
import io.nianbao.v1.ListReportsRequest;
import io.nianbao.v1.ListRulesRequest;
import io.nianbao.v1.ParseDocumentResponse;
import io.nianbao.v1.Receipt;
import io.nianbao.v1.Report;
import io.nianbao.v1.SaveDraftRequest;
import io.nianbao.v1.SaveDraftResponse;
import io.nianbao.v1.Scope;
import io.nianbao.v1.SubmitReportResponse;
import io.nianbao.v1.ValidateReportRequest;
import io.nianbao.v1.WatchChangesRequest;
import io.nianbao.v1.WatchChangesResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** Against the server at NIANBAO_SERVER, on organs of this run's own. */
@EnabledIfEnvironmentVariable(named = "NIANBAO_SERVER", matches = ".+")
@Timeout(120)
class ServerTest {
  private static final int MUTATED = 400;

  /**
   * Differs from run to run, so that a second run on the same server meets nothing of the first.
   */
  private static final String RUN = HexFormat.of().toHexDigits(System.nanoTime());

  private static NianbaoClient client;

  @BeforeAll
  static void connect() {
    client = NianbaoClient.builder(System.getenv("NIANBAO_SERVER")).plaintext().build();
  }

  @AfterAll
  static void close() {
    client.close();
  }

  /** Registers an organ. */
  private static String organ(String what) {
    String id = "java-test-" + what + "-" + RUN;
    String head = "机关编号,机关名称,上级机关,起始年,层级,机关类型\n";
    String rows = head + id + ",测试局,,,,department\n";
    client.importOrgans(
        rows.getBytes(StandardCharsets.UTF_8), ImportOrgansHeader.getDefaultInstance());
    return id;
  }

  /** What both sides say of a finding; figures and places in the text are the server's alone. */
  private static List<Finding> comparable(List<Finding> findings) {
    return findings.stream()
        .map(
            f ->
                f.toBuilder()
                    .clearMessageZh()
                    .clearMessageEn()
                    .clearExpected()
                    .clearActual()
                    .clearDelta()
                    .clearSpan()
                    .build())
        .toList();
  }

  @Test
  void offlineFindingsAreThoseOfTheServer() {
    Random random = new Random(7);
    int found = 0;
    for (int index = 0; index < MUTATED; index++) {
      // Nobody has registered it, so nothing of last year is compared with.
      Report report = Samples.mutated("java-test-nobody", random);
      List<Finding> offline = client.validateOffline(report);
      List<Finding> server = client.validate(report).getFindingsList();
      assertEquals(comparable(server), comparable(offline), "report " + index + ":\n" + report);
      found += offline.size();
    }
    assertTrue(found > MUTATED, "too few findings to compare: " + found);
  }

  @Test
  void theMessagesOfFindingsBeginWithTheTextOfTheCatalogue() {
    Report report = Samples.wrong("java-test-nobody");
    Finding offline = client.validateOffline(report).get(0);
    Finding server = client.validate(report).getFindings(0);

    assertTrue(server.getMessageZh().startsWith(offline.getMessageZh()));
    assertTrue(server.getMessageEn().startsWith(offline.getMessageEn()));
  }

  @Test
  void aReportIsSubmittedReadListedAndSummed() {
    String organ = organ("life");
    Report report = Samples.sound(organ);
    Submission submission = Submission.of(report).contentRequestId();
    SubmitReportResponse first = client.submit(submission);
    SubmitReportResponse again = client.submit(submission);

    assertEquals(first, again);
    String name = first.getReport().getName();
    assertEquals("organs/" + organ + "/reports/2023-own", name);
    assertEquals(report.getRequests(), client.get(name).getRequests());
    assertEquals(
        List.of(name), client.list("organs/" + organ).stream().map(Report::getName).toList());
    AggregateReportsRequest sum =
        AggregateReportsRequest.newBuilder()
            .setOrgan("organs/" + organ)
            .addYears(2023)
            .setIncludeUnaccepted(true)
            .build();
    assertEquals(
        report.getRequests().getGranted(),
        client.aggregate(sum).getAggregates(0).getRequests().getGranted());
  }

  @Test
  void aRefusalNamesRulesFieldsAndChineseTexts() {
    Report report = Samples.wrong(organ("refused"));
    NianbaoException error = assertThrows(NianbaoException.class, () -> client.submit(report));

    assertEquals(ErrorReason.ERROR_REASON_REPORT_HAS_ERRORS, error.reason().orElseThrow());
    assertEquals(
        client.validateOffline(report).stream().map(Finding::getRuleId).toList(),
        error.violations().stream().map(NianbaoException.Violation::ruleId).toList());
    assertTrue(error.textZh().contains("应为 50，实为 51"), error.textZh());
    assertFalse(error.requestId().isEmpty());
  }

  @Test
  void aRefusedRequestNamesTheRuleOfTheRequest() {
    NianbaoException error =
        assertThrows(
            NianbaoException.class,
            () ->
                client.call(
                    () ->
                        client
                            .reports()
                            .validateReport(ValidateReportRequest.getDefaultInstance())));

    assertEquals("validate_report.report", error.violations().get(0).ruleId());
  }

  @Test
  void aDraftIsSubmittedByNameAndEtag() {
    SaveDraftRequest draft =
        SaveDraftRequest.newBuilder().setReport(Samples.sound(organ("draft"))).build();
    SaveDraftResponse saved = client.call(() -> client.reports().saveDraft(draft));
    String name = saved.getReport().getName();

    NianbaoException stale =
        assertThrows(
            NianbaoException.class, () -> client.submit(Submission.draft(name, "\"stale\"")));
    assertEquals(Status.Code.ABORTED, stale.code());
    assertEquals(saved.getReport().getEtag(), stale.metadata().get("etag"));
    SubmitReportResponse submitted =
        client.submit(Submission.draft(name, saved.getReport().getEtag()));
    assertEquals(Report.State.STATE_SUBMITTED, submitted.getReport().getState());
  }

  @Test
  void whatWasPublishedWithErrorsIsTakenWithAReason() {
    Submission past = Submission.of(Samples.wrong(organ("past"))).asPublished("当年已按此公布");

    SubmitReportResponse checked = client.submit(past.validateOnly());
    assertFalse(checked.hasReceipt());
    assertEquals("当年已按此公布", client.submit(past).getReport().getAsPublishedReason());
  }

  @Test
  void aWarningThatIsExplainedIsTaken() {
    Report report = Samples.sound(organ("explained")).toBuilder().setYear(2020).build();
    List<Finding> findings = client.validateOffline(report);
    NianbaoException refused =
        assertThrows(NianbaoException.class, () -> client.submit(Submission.of(report).check()));
    assertEquals("WARNING_UNEXPLAINED", refused.reasonText());

    Submission explained = Submission.of(report).check();
    for (Finding finding : Findings.unexplained(report, findings)) {
      explained = explained.explain(finding.getFingerprint(), "原件如此");
    }
    assertTrue(client.submit(explained).hasReceipt());
  }

  @Test
  void aStreamTakesWhatIsSoundAndASecondRunGetsTheFirstAnswers() {
    List<Submission> items =
        IntStream.range(0, 10)
            .mapToObj(
                item -> {
                  String organ = organ("bulk-" + item);
                  return item == 9 ? Samples.wrong(organ) : Samples.sound(organ);
                })
            .map(Submission::of)
            .toList();
    List<List<Receipt>> runs = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      List<Receipt> receipts = new ArrayList<>();
      try (SubmitResults results = client.submitAll(items)) {
        results.forEachRemaining(result -> receipts.add(result.answer().getReceipt()));
      }
      runs.add(receipts);
    }

    assertEquals(10, runs.get(0).stream().distinct().count());
    assertEquals(Receipt.getDefaultInstance(), runs.get(0).get(9));
    assertEquals(runs.get(0), runs.get(1));
  }

  @Test
  void pagesAreReadToTheEnd() {
    String organ = organ("pages");
    for (int year = 2021; year <= 2023; year++) {
      Report report = Samples.sound(organ).toBuilder().setYear(year).build();
      client.submit(Submission.of(report).asPublished("测试"));
    }
    ListReportsRequest byOne =
        ListReportsRequest.newBuilder().setParent("organs/" + organ).setPageSize(1).build();

    assertEquals(
        List.of(2021, 2022, 2023), client.list(byOne).stream().map(Report::getYear).toList());
  }

  @Test
  void aDocumentIsRead() {
    String page =
        """
        <html><body>
        <h1>示例局2023年政府信息公开工作年度报告</h1>
        <p>一、总体情况</p><p>全年公开信息9条。</p>
        </body></html>
        """;
    DocumentHeader header =
        DocumentHeader.newBuilder()
            .setFileName("report.html")
            .setOrgan("organs/java-test-nobody")
            .setYear(2023)
            .setScope(Scope.SCOPE_OWN)
            .build();
    ParseDocumentResponse read = client.parse(page.getBytes(StandardCharsets.UTF_8), header);

    assertEquals(2023, read.getReport().getYear());
    assertEquals("全年公开信息9条。", read.getReport().getOverview().getText());
  }

  @Test
  void aDocumentThatCannotBeReadIsRefusedByReason() {
    NianbaoException error =
        assertThrows(
            NianbaoException.class,
            () -> client.parse(new byte[0], DocumentHeader.newBuilder().setFileName("a").build()));

    assertEquals(ErrorReason.ERROR_REASON_DOCUMENT_UNREADABLE, error.reason().orElseThrow());
  }

  @Test
  void aWatchTellsOfASubmissionAndGoesOnFromAPosition() {
    String organ = organ("watch");
    client.submit(Samples.sound(organ));
    WatchChangesRequest request =
        WatchChangesRequest.newBuilder().setOrgan("organs/" + organ).build();
    String position;
    try (Watch watch = client.watch(request)) {
      WatchChangesResponse registered = watch.next();
      assertFalse(registered.getChange().hasReport());
      position = registered.getPosition();
    }
    try (Watch watch = client.watch(request.toBuilder().setAfter(position).build())) {
      assertTrue(watch.next().getChange().hasReport());
    }
  }

  @Test
  void otherMethodsAreCalledByTheirStubs() {
    assertFalse(
        client
            .admin()
            .getServerInfo(GetServerInfoRequest.getDefaultInstance())
            .getVersion()
            .isEmpty());
    assertTrue(
        client
                .formats()
                .withDeadlineAfter(Duration.ofSeconds(10))
                .listRules(ListRulesRequest.getDefaultInstance())
                .getRulesCount()
            > 10);
  }
}
