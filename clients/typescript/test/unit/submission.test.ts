import assert from "node:assert/strict";
import test from "node:test";

import {
  contentRequestId,
  create,
  ErrorReason,
  NianbaoError,
  SubmitReportRequestSchema,
  validateOffline,
} from "../../src/index.js";
import { submissionOf } from "../../src/submission.js";
import { example, wrong } from "../support/reports.js";

function refused(reason: ErrorReason) {
  return (error: unknown) =>
    error instanceof NianbaoError && error.reason === reason && error.findings.length > 0;
}

/** The example with a blank cell, which a rule warns of. */
function warned() {
  const report = example();
  delete report.requests?.granted?.business;
  const [warning] = validateOffline(report);
  return { report, fingerprint: warning?.fingerprint ?? "" };
}

test("the id of a submission is the digest of its content, whatever id it has", () => {
  const report = example();
  const plain = create(SubmitReportRequestSchema, { report });
  const id = contentRequestId(plain);
  assert.match(id, /^[0-9a-f]{64}$/);
  assert.equal(contentRequestId({ ...plain, requestId: "another" }), id);
  assert.notEqual(contentRequestId({ ...plain, etag: "e" }), id);
});

test("a report with errors is refused before it is sent, where that is asked for", () => {
  assert.throws(
    () => submissionOf(wrong(), { check: true }),
    (error) => {
      assert.ok(refused(ErrorReason.REPORT_HAS_ERRORS)(error));
      assert.ok(error instanceof NianbaoError);
      assert.equal(error.violations[0]?.ruleId, "applicants.total");
      assert.match(error.text(), /^报告有错误：发送前检查发现 2 处/);
      return true;
    },
  );
  assert.ok(submissionOf(wrong(), {}).report);
});

test("a warning without an explanation is refused, and with one it is not", () => {
  const { report, fingerprint } = warned();
  const unexplained = refused(ErrorReason.WARNING_UNEXPLAINED);
  assert.throws(() => submissionOf(report, { check: true }), unexplained);
  const explanations = { [fingerprint]: "该列不适用" };
  const submission = submissionOf(report, { check: true, explanations });
  assert.equal(submission.report?.explanations[0]?.text, "该列不适用");
  assert.deepEqual(report.explanations, [], "the caller's report stays as it was");
});

test("a report as published is taken with its errors, and says why", () => {
  const submission = submissionOf(wrong(), { check: true, asPublished: "已公布" });
  assert.equal(submission.asPublished, true);
  assert.equal(submission.asPublishedReason, "已公布");
});

test("a stored draft is submitted by name, without what belongs into the draft", () => {
  const name = "organs/a/reports/2023-own";
  const submission = submissionOf(name, { etag: "e" });
  assert.deepEqual([submission.name, submission.etag, submission.report], [name, "e", undefined]);
  assert.throws(() => submissionOf(name, { check: true }), NianbaoError);
  assert.throws(() => submissionOf(name, { explanations: {} }), NianbaoError);
});
