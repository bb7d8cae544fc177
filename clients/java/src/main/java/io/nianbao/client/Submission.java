package io.nianbao.client;

import io.nianbao.v1.ErrorReason;
import io.nianbao.v1.Explanation;
import io.nianbao.v1.Finding;
import io.nianbao.v1.Report;
import io.nianbao.v1.SubmitReportRequest;
import java.util.List;

/** What is submitted and how: a whole report, or the draft that the server has. Immutable. */
public final class Submission {
  private final SubmitReportRequest request;
  private final boolean checked;

  private Submission(SubmitReportRequest request, boolean checked) {
    this.request = request;
    this.checked = checked;
  }

  /** A whole report. */
  public static Submission of(Report report) {
    return new Submission(SubmitReportRequest.newBuilder().setReport(report).build(), false);
  }

  /**
   * The stored draft of that name, {@code organs/{organ}/reports/{year}-{scope}}, as it was when it
   * had that etag.
   */
  public static Submission draft(String name, String etag) {
    return new Submission(
        SubmitReportRequest.newBuilder().setName(name).setEtag(etag).build(), false);
  }

  /** The etag that the stored report must have: then nothing that others wrote is overwritten. */
  public Submission etag(String etag) {
    return with(request.toBuilder().setEtag(etag));
  }

  /** Explains the finding of that fingerprint. A draft keeps its explanations itself. */
  public Submission explain(String fingerprint, String text) {
    if (!request.hasReport()) {
      throw new IllegalStateException("the explanations of a draft stand in the draft");
    }
    SubmitReportRequest.Builder explained = request.toBuilder();
    explained
        .getReportBuilder()
        .addExplanations(Explanation.newBuilder().setFingerprint(fingerprint).setText(text));
    return with(explained);
  }

  /** A report of the past that was published with faults and is taken with them. */
  public Submission asPublished(String reason) {
    return with(request.toBuilder().setAsPublished(true).setAsPublishedReason(reason));
  }

  /** To be checked only: the same answer, and nothing is stored. */
  public Submission validateOnly() {
    return with(request.toBuilder().setValidateOnly(true));
  }

  /** An id by which a repetition within seven days gets the first answer. */
  public Submission requestId(String id) {
    return with(request.toBuilder().setRequestId(id));
  }

  /** An id made of the content, so that the same submission is taken once however often it runs. */
  public Submission contentRequestId() {
    return requestId(RequestIds.ofContent(request));
  }

  /** To be checked here first: what a server would refuse is refused before it is sent. */
  public Submission check() {
    if (!request.hasReport()) {
      throw new IllegalStateException("a draft is checked where it is stored");
    }
    return new Submission(request, true);
  }

  /** What is sent. */
  public SubmitReportRequest request() {
    return request;
  }

  boolean isChecked() {
    return checked;
  }

  /** Refuses what a server would refuse, as far as that can be known here. */
  void refuseOffline() {
    if (request.getAsPublished()) {
      // The server takes it with its errors and its unexplained warnings.
      return;
    }
    Report report = request.getReport();
    List<Finding> findings = Findings.of(report);
    List<Finding> errors = Findings.errors(findings);
    if (!errors.isEmpty()) {
      throw NianbaoException.refused(
          ErrorReason.ERROR_REASON_REPORT_HAS_ERRORS,
          "the report has %d errors".formatted(errors.size()),
          "报告有错误，共 %d 处".formatted(errors.size()),
          errors,
          findings);
    }
    List<Finding> unexplained = Findings.unexplained(report, findings);
    if (!unexplained.isEmpty()) {
      throw NianbaoException.refused(
          ErrorReason.ERROR_REASON_WARNING_UNEXPLAINED,
          "%d warnings have no explanation".formatted(unexplained.size()),
          "警告未说明，共 %d 处".formatted(unexplained.size()),
          unexplained,
          findings);
    }
  }

  private Submission with(SubmitReportRequest.Builder changed) {
    return new Submission(changed.build(), checked);
  }
}
