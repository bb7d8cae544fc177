import assert from "node:assert/strict";
import test from "node:test";
import { fileURLToPath } from "node:url";

import {
  clone,
  Code,
  Edition,
  ErrorReason,
  type FormatNode,
  FormatNode_Kind,
  NianbaoError,
  type Report,
  Report_State,
  ReportSchema,
  Scope,
} from "../../src/index.js";
import { catalogue } from "../../src/catalogue.js";
import { placeOf } from "../../src/form.js";
import { example, wrong } from "../support/reports.js";
import { client, fresh } from "../support/server.js";

const RUN = fresh();
const DOCUMENT = fileURLToPath(
  new URL("../../../../tests/fixtures/document/housing-2023.docx", import.meta.url),
);

/** Registers a city with two bureaus of this test alone; returns the name of each. */
async function organs(test: string): Promise<[string, string, string]> {
  using server = client("registrar");
  const ids = ["city", "a", "b"].map((part) => `typescript-test-${test}-${RUN}-${part}`);
  const [city = "", a = "", b = ""] = ids;
  const rows = ["organ_id,display_name,parent,from_year"];
  rows.push(`${city},示例市,,`, `${a},示例一局,${city},2019`, `${b},示例二局,${city},2019`);
  const { result } = await server.importOrgans(Buffer.from(rows.join("\n")));
  assert.equal(result?.created, 3);
  return [`organs/${city}`, `organs/${a}`, `organs/${b}`];
}

function of(organ: string, year = 2023, report = example()): Report {
  return { ...report, organ, year };
}

function refused(code: Code, reason: ErrorReason) {
  return (error: unknown) =>
    error instanceof NianbaoError && error.code === code && error.reason === reason;
}

test("a report is submitted, read, listed and summed", async () => {
  using server = client("zhang");
  const [city, bureau, other] = await organs("life");
  const answer = await server.submit(of(bureau), { check: true });
  const name = `${bureau}/reports/2023-own`;
  assert.equal(answer.report?.name, name);
  assert.equal(answer.report.state, Report_State.SUBMITTED);
  assert.match(answer.receipt?.entryHash ?? "", /^[0-9a-f]{64}$/);
  const atLeast = answer.receipt?.position ?? "";

  const read = await server.get(name, { atLeast });
  assert.equal(read.requests?.newlyReceived?.total, 65n);
  assert.equal(read.submitter, "zhang");

  await server.submit(of(bureau, 2022));
  const years: number[] = [];
  for await (const { year } of server.list({ parent: bureau, pageSize: 1 })) {
    years.push(year);
  }
  assert.deepEqual(years, [2022, 2023]);

  const [sum] = await server.aggregate(city, [2023], { includeUnaccepted: true });
  assert.equal(sum?.requests?.newlyReceived?.total, 65n);
  assert.deepEqual([sum.coverage?.included, sum.coverage?.missing], [1, 2]);
  assert.ok(!(await server.get(`${other}/reports/2023-own`).catch(() => false)));
});

test("a refusal names rules, cells and both languages", async () => {
  using server = client();
  const [, bureau] = await organs("refused");
  await assert.rejects(server.submit(of(bureau, 2023, wrong())), (error) => {
    assert.ok(refused(Code.InvalidArgument, ErrorReason.REPORT_HAS_ERRORS)(error));
    assert.ok(error instanceof NianbaoError);
    assert.deepEqual(
      error.violations.map(({ ruleId }) => ruleId),
      ["applicants.total", "requests.total_processed.natural_person"],
    );
    assert.match(error.violations[0]?.messageZh ?? "", /^表三·.*应为 50，实为 51/);
    assert.equal(error.metadata["errors"], "2");
    assert.equal(error.truncated, false);
    assert.match(error.requestId ?? "", /^[0-9a-f-]{36}$/);
    return true;
  });
  const missing = server.get(`${bureau}/reports/2023-own`);
  await assert.rejects(missing, refused(Code.NotFound, ErrorReason.REPORT_NOT_FOUND));
  const malformed = server.get("nothing");
  await assert.rejects(malformed, refused(Code.InvalidArgument, ErrorReason.INVALID_REQUEST));
  const unnamed = server.reports.acceptReport({ name: `${bureau}/reports/2023-own` });
  await assert.rejects(unnamed, refused(Code.Unauthenticated, ErrorReason.PRINCIPAL_REQUIRED));
});

test("a stored draft is submitted by name, and a stale etag is refused", async () => {
  using server = client("zhang");
  const [, bureau] = await organs("draft");
  const { report: draft } = await server.reports.saveDraft({ report: of(bureau) });
  assert.ok(draft);
  const stale = server.submit(draft.name, { etag: "stale" });
  await assert.rejects(stale, refused(Code.Aborted, ErrorReason.ETAG_MISMATCH));
  const checked = await server.submit(draft.name, { etag: draft.etag, validateOnly: true });
  assert.equal(checked.receipt, undefined);
  const taken = await server.submit(draft.name, { etag: draft.etag });
  assert.equal(taken.report?.state, Report_State.SUBMITTED);
  const again = server.submit(draft.name);
  await assert.rejects(again, (error) => {
    assert.ok(refused(Code.FailedPrecondition, ErrorReason.REPORT_STATE)(error));
    assert.equal((error as NianbaoError).preconditions[0]?.subject, draft.name);
    return true;
  });
});

test("a stream that is sent again is answered with its first answers", async () => {
  using server = client("zhang");
  const [, bureau, other] = await organs("bulk");
  const items = [of(bureau), of(other, 2023, wrong()), of(other, 2022), of(other, 2021)];
  const run = async () => {
    const positions: string[] = [];
    for await (const { receipt, refusal } of server.submitAll(items)) {
      positions.push(receipt?.position ?? refusal?.reasonText ?? "");
    }
    return positions;
  };
  const first = await run();
  assert.deepEqual(await run(), first);
  assert.equal(first[1], "REPORT_HAS_ERRORS");
  assert.equal(new Set(first).size, 4);
});

test("a document is read from a path and from bytes", async () => {
  using server = client();
  const [, bureau] = await organs("parse");
  const { report, findings, provenance } = await server.parse(DOCUMENT, {
    organ: bureau,
    scope: Scope.OWN,
  });
  assert.equal(report?.organ, bureau);
  assert.equal(report.requests?.newlyReceived?.total, 65n);
  assert.ok(provenance.length > 0);
  assert.deepEqual(
    server.validateOffline(report).map(({ fingerprint }) => fingerprint),
    findings.map(({ fingerprint }) => fingerprint),
  );
  const nothing = server.parse(new Uint8Array());
  await assert.rejects(nothing, refused(Code.InvalidArgument, ErrorReason.DOCUMENT_UNREADABLE));
  await assert.rejects(server.parse("no-such-file.docx"), NianbaoError);
});

test("a watch begins with a heartbeat and sees what is written after it", async () => {
  using server = client("zhang");
  const [, bureau] = await organs("watch");
  const stop = new AbortController();
  const late = setTimeout(() => {
    stop.abort();
  }, 20_000);
  const kinds: string[] = [];
  for await (const event of server.watch({ organ: bureau, fromNow: true, signal: stop.signal })) {
    assert.notEqual(event.position, "");
    if (event.receipt === undefined) {
      if (kinds.push("heartbeat") === 1) {
        await server.submit(of(bureau));
      }
    } else {
      kinds.push(event.change?.report?.head?.name ?? "another change");
      break;
    }
  }
  clearTimeout(late);
  assert.deepEqual(kinds.slice(-1), [`${bureau}/reports/2023-own`]);
  assert.equal(kinds[0], "heartbeat");
});

test("the server's findings are read with their figures", async () => {
  using server = client();
  const [row] = await server.validate(clone(ReportSchema, wrong()));
  assert.deepEqual([row?.expected, row?.actual, row?.delta], ["50", "51", "1"]);
});

test("the form of the package is that of the server", async () => {
  using server = client();
  const visit = (node: FormatNode): FormatNode[] => [node, ...node.children.flatMap(visit)];
  for (const edition of [Edition.EDITION_2019, Edition.EDITION_2021]) {
    const { parts } = await server.formats.getFormat({ edition });
    for (const { kind, cell, fieldPath } of parts.flatMap(visit)) {
      const place = placeOf(fieldPath);
      assert.equal(place?.cell !== undefined, kind === FormatNode_Kind.CELL, fieldPath);
      if (kind === FormatNode_Kind.CELL) {
        assert.equal(place?.address, cell, fieldPath);
      }
    }
  }
});

test("the catalogue of the package is that of the server", async () => {
  using server = client();
  const { rules } = await server.formats.listRules({});
  assert.deepEqual([...catalogue().keys()].sort(), rules.map(({ id }) => id).sort());
  for (const { id, severity, subject, impliedBy, textZh, textEn, expression } of rules) {
    const ours = { id, severity, subject, impliedBy, textZh, textEn, expression };
    assert.deepEqual(catalogue().get(id), ours, id);
  }
});
