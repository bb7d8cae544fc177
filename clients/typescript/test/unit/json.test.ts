import assert from "node:assert/strict";
import test from "node:test";

import { TimestampSchema } from "@bufbuild/protobuf/wkt";

import {
  create,
  equals,
  ErrorReason,
  NianbaoError,
  readReport,
  reportFromJson,
  ReportSchema,
  reportToJson,
} from "../../src/index.js";
import { example, exampleText } from "../support/reports.js";

function refused(said: RegExp) {
  return (error: unknown) => error instanceof NianbaoError && said.test(error.message);
}

test("a report comes back from its JSON as it was", () => {
  const report = example();
  assert.ok(equals(ReportSchema, reportFromJson(reportToJson(report)), report));
});

test("whole numbers are texts in JSON, so that none loses a digit", () => {
  const report = reportFromJson('{"requests":{"granted":{"total":"9007199254740993"}}}');
  assert.equal(report.requests?.granted?.total, 9007199254740993n);
  assert.match(reportToJson(report), /"total": "9007199254740993"/);
});

test("a value that JSON cannot hold is refused", () => {
  const report = example();
  report.createTime = create(TimestampSchema, { seconds: 10n ** 15n });
  assert.throws(() => reportToJson(report), refused(/^the report cannot be written: /));
});

test("both spellings of a field are read", () => {
  for (const name of ["other_matters", "otherMatters"]) {
    assert.equal(reportFromJson(`{"${name}":{"text":"a"}}`).otherMatters?.text, "a");
  }
});

test("every unknown field is named, at any depth", () => {
  const text = '{"titel":"a","requests":{"granted":{"sum":1}},"blanks":[{},{"kid":2}]}';
  assert.throws(
    () => reportFromJson(text),
    (error) => {
      assert.ok(error instanceof NianbaoError);
      assert.equal(error.reason, ErrorReason.UNKNOWN_FIELD);
      assert.deepEqual(
        error.violations.map(({ fieldPath }) => fieldPath),
        ["titel", "requests.granted.sum", "blanks[1].kid"],
      );
      assert.match(error.message, /titel, requests\.granted\.sum, blanks\[1\]\.kid/);
      return true;
    },
  );
});

test("a name that stands twice in an object is refused, and one in two objects is not", () => {
  assert.throws(
    () => reportFromJson('{"requests": {"granted": {"total": "5", "total" : "6"}}}'),
    (error) => error instanceof NianbaoError && error.message.includes('"total" stands twice'),
  );
  const two = '"granted": {"total": "5"}, "partiallyGranted": {"total": "6"}';
  const report = reportFromJson(`{"title": "\\"title\\": {", "requests": {${two}}}`);
  assert.equal(report.requests?.granted?.total, 5n);
});

test("what is no JSON, or no report, is refused with the reason", () => {
  assert.throws(() => reportFromJson("{"), refused(/^the report cannot be read: /));
  assert.throws(() => reportFromJson("[]"), refused(/cannot be read/));
  assert.throws(() => reportFromJson('{"year":"many"}'), refused(/year/));
  assert.throws(() => reportFromJson('{"scope":"SCOPE_OF_ALL"}'), refused(/SCOPE_OF_ALL/));
});

test("a report is read from a file, and a file that is not there is named", async () => {
  const path = new URL("../../../examples/report.json", import.meta.url);
  assert.ok(
    equals(ReportSchema, await readReport(path), reportFromJson(exampleText("report.json"))),
  );
  await assert.rejects(readReport("no-such-file.json"), refused(/no-such-file\.json/));
});
