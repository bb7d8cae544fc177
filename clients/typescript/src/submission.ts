import { create } from "@bufbuild/protobuf";

import { NianbaoError } from "./error.js";
import { unexplained, validateOffline } from "./findings.js";
import {
  ErrorReason,
  ExplanationSchema,
  type Report,
  Severity,
  type SubmitReportRequest,
  SubmitReportRequestSchema,
} from "./gen/index.js";

/** How a report, or a stored draft, is submitted. */
export interface DraftOptions {
  /** The etag that was read; another one at present refuses the call. */
  readonly etag?: string | undefined;
  /** Why a report that was published with faults is taken as it is. */
  readonly asPublished?: string | undefined;
  /** The same checks and answer, with nothing stored. */
  readonly validateOnly?: boolean | undefined;
  /** A repetition with the same id gets the first answer. Random where it is not given. */
  readonly requestId?: string | undefined;
}

/** How a whole report is submitted. */
export interface ReportOptions extends DraftOptions {
  /** Why warnings stand, by the fingerprint of the finding; beside those within the report. */
  readonly explanations?: Readonly<Record<string, string>> | undefined;
  /** Whether to hold the report against the rules first, and to send none that they refuse. */
  readonly check?: boolean | undefined;
}

/** The request of a submission, without an id where none is given. */
export function submissionOf(what: Report | string, options: ReportOptions): SubmitReportRequest {
  const { explanations = {}, check = false, asPublished, ...others } = options;
  const subject =
    typeof what === "string"
      ? { name: draft(what, options) }
      : { report: explained(what, explanations) };
  if (check && subject.report !== undefined && asPublished === undefined) {
    refuseFaults(subject.report);
  }
  return create(SubmitReportRequestSchema, {
    ...subject,
    ...(asPublished === undefined ? {} : { asPublished: true, asPublishedReason: asPublished }),
    validateOnly: others.validateOnly ?? false,
    etag: others.etag ?? "",
    requestId: others.requestId ?? "",
  });
}

function draft(name: string, { explanations, check = false }: ReportOptions): string {
  if (explanations !== undefined || check) {
    throw NianbaoError.invalid(
      "a stored draft is submitted as it is: explain and check it before it is saved",
      "草稿按存储的内容提交：请在保存前填写说明并检查",
    );
  }
  return name;
}

function explained(report: Report, explanations: Readonly<Record<string, string>>): Report {
  const added = Object.entries(explanations).map(([fingerprint, text]) =>
    create(ExplanationSchema, { fingerprint, text }),
  );
  const kept = report.explanations.filter(({ fingerprint }) => !(fingerprint in explanations));
  return added.length === 0 ? report : { ...report, explanations: [...kept, ...added] };
}

/** Raises what the server would refuse the report for. */
function refuseFaults(report: Report): void {
  const findings = validateOffline(report);
  const errors = findings.filter(({ severity }) => severity === Severity.ERROR);
  if (errors.length > 0) {
    throw NianbaoError.ofFindings(ErrorReason.REPORT_HAS_ERRORS, findings, errors);
  }
  const warnings = unexplained(report, findings);
  if (warnings.length > 0) {
    throw NianbaoError.ofFindings(ErrorReason.WARNING_UNEXPLAINED, findings, warnings);
  }
}
