import assert from "node:assert/strict";
import test from "node:test";

import {
  Blank_Kind,
  BlankSchema,
  Code,
  create,
  ErrorReason,
  type Finding,
  NianbaoError,
  type Report,
  ReportSchema,
  Severity,
  unexplained,
  validateOffline,
} from "../../src/index.js";
import { placeOf, places } from "../../src/form.js";
import { example, wrong } from "../support/reports.js";

function short(findings: readonly Finding[]): string[] {
  return findings.map(({ derived, ruleId, fieldPath }) => {
    return `${derived ? "~" : ""}${ruleId} ${fieldPath}`;
  });
}

/** The example with a change in its table three. */
function changed(change: (requests: NonNullable<Report["requests"]>) => void): Report {
  const report = example();
  assert.ok(report.requests);
  change(report.requests);
  return report;
}

test("nothing is found in a balanced report", () => {
  assert.deepEqual(validateOffline(example()), []);
});

test("a wrong cell breaks the sums of its row and its column, with what they read", () => {
  const [row, column, ...others] = validateOffline(wrong());
  assert.ok(row !== undefined && column !== undefined);
  assert.deepEqual(short([row, column, ...others]), [
    "applicants.total requests.unable.not_held.total",
    "requests.total_processed.natural_person requests.total_processed.natural_person",
  ]);
  assert.equal(row.rulePath, "requests.unable.not_held");
  assert.equal(row.cell, "表三·（四）无法提供·1.本机关不掌握相关政府信息·总计");
  assert.equal(row.severity, Severity.ERROR);
  assert.equal(row.messageZh, "总计应等于自然人与法人或其他组织各列之和");
  assert.equal(row.operands.length, 7);
  const operand = "requests.unable.not_held.natural_person";
  assert.equal(row.operands.find(({ fieldPath }) => fieldPath === operand)?.value, "50");
  assert.match(row.fingerprint, /^[0-9a-f]{16}$/);
});

test("what follows from another finding comes last and is marked", () => {
  const report = changed(({ newlyReceived }) => {
    assert.ok(newlyReceived);
    newlyReceived.naturalPerson = 66n;
    newlyReceived.total = 66n;
  });
  assert.deepEqual(short(validateOffline(report)), [
    "requests.balance.natural_person requests.total_processed.natural_person",
    "~requests.balance.total requests.total_processed.total",
  ]);
});

test("a blank total is missing, not wrong", () => {
  const report = changed(({ granted }) => {
    delete granted?.total;
  });
  const findings = validateOffline(report);
  assert.deepEqual(short(findings), ["required requests.granted.total"]);
  assert.equal(findings[0]?.operands[0]?.value, undefined);
});

test("an untouched form lacks all its parts", () => {
  const paths = validateOffline(create(ReportSchema)).map(({ fieldPath }) => fieldPath);
  for (const path of ["year", "scope", "edition", "overview", "requests", "disputes", "problems"]) {
    assert.ok(paths.includes(path), path);
  }
});

test("a blank names, once, a cell of the edition that has no value", () => {
  const report = example();
  const blank = (fieldPath: string, kind = Blank_Kind.EMPTY) => {
    report.blanks.push(create(BlankSchema, { fieldPath, kind }));
  };
  blank("requests.granted.total");
  blank("requests.granted.total");
  blank("disclosure_2019.rules.made");
  blank("requests", Blank_Kind.TABLE_MISSING);
  blank("disclosure", Blank_Kind.SLASH);
  const found = validateOffline(report).map(
    ({ ruleId, rulePath, operands }) => `${ruleId} ${rulePath} ${operands[0]?.value ?? ""}`,
  );
  assert.deepEqual(found.sort(), [
    "blanks.path blanks[2].field_path disclosure_2019.rules.made",
    "blanks.path blanks[4].field_path disclosure",
    "blanks.repeated blanks[1].field_path requests.granted.total",
    "blanks.valued blanks[0].field_path 8",
    "blanks.valued blanks[3].field_path requests",
  ]);
});

test("a finding about a blank bears the address of the cell", () => {
  const report = example();
  const kind = Blank_Kind.UNREADABLE;
  report.blanks.push(create(BlankSchema, { fieldPath: "requests.granted.total", kind }));
  const cells = validateOffline(report).map(({ cell }) => cell);
  assert.deepEqual(new Set(cells), new Set(["表三·（一）予以公开·总计"]));
});

test("items far beyond the limit of a list are not looked at, nor compared in pairs", () => {
  const report = example();
  for (let index = 0; index < 20_000; index += 1) {
    report.blanks.push(create(BlankSchema, { fieldPath: `nowhere${index}` }));
  }
  const started = performance.now();
  const paths = validateOffline(report).map(({ rulePath }) => rulePath);
  assert.equal(paths.includes("blanks[1023].field_path"), true);
  assert.equal(paths.includes("blanks[1024].field_path"), false);
  assert.ok(performance.now() - started < 10_000);
});

test("a sum that overflows is an error, not a finding", () => {
  const report = changed(({ granted }) => {
    assert.ok(granted);
    granted.naturalPerson = 2n ** 63n - 1n;
    granted.business = 2n ** 63n - 1n;
  });
  assert.throws(
    () => validateOffline(report),
    (error) =>
      error instanceof NianbaoError &&
      error.code === Code.InvalidArgument &&
      error.reason === ErrorReason.REPORT_HAS_ERRORS &&
      error.violations[0]?.ruleId === "cell.range" &&
      error.message.startsWith("a rule cannot be computed, since its cells are too large") &&
      error.messageZh === "数值过大，无法核算",
  );
});

test("a warning wants an explanation of its fingerprint", () => {
  const report = changed(({ granted }) => {
    delete granted?.business;
  });
  const findings = validateOffline(report);
  const [warning] = unexplained(report, findings);
  assert.equal(warning?.ruleId, "applicants.blank");
  report.explanations = [
    { $typeName: "nianbao.v1.Explanation", fingerprint: warning.fingerprint, text: "不适用" },
  ];
  assert.deepEqual(unexplained(report, findings), []);
});

test("the form has its cells in order, with their addresses", () => {
  const cells = [...places()].filter(([, { cell }]) => cell !== undefined).map(([path]) => path);
  assert.ok(cells.length > 200, `${cells.length} cells of both editions`);
  assert.equal(
    placeOf("requests.denied.state_secret.total")?.address,
    "表三·（三）不予公开·1.属于国家秘密·总计",
  );
  assert.equal(placeOf("overview.text")?.address, "一、总体情况");
  assert.equal(placeOf("year")?.address, "报告年度");
  assert.equal(placeOf("blanks[3].kind")?.address, "空白登记");
  assert.equal(placeOf("nowhere.at.all"), undefined);
  const ranks = ["title", "blanks", "overview", "disclosure", "requests.granted", "other_matters"];
  const order = ranks.map((path) => placeOf(path)?.rank ?? -1);
  assert.deepEqual(
    [...order].sort((left, right) => left - right),
    order,
  );
});
