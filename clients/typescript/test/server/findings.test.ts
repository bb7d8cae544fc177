import assert from "node:assert/strict";
import test from "node:test";

import { type Finding, reportToJson, validateOffline } from "../../src/index.js";
import { mutated, Random } from "../support/mutate.js";
import { client, fixtures } from "../support/server.js";

const REPORTS = 400;

/** All that an offline finding shares with the server's. */
function shared(finding: Finding) {
  const { ruleId, severity, rulePath, fieldPath, cell, operands, derived, fingerprint } = finding;
  const read = operands.map(({ fieldPath, value }) => ({ fieldPath, value }));
  return { ruleId, severity, rulePath, fieldPath, cell, operands: read, derived, fingerprint };
}

test("offline findings of mutated reports equal those of the server", async () => {
  using server = client();
  const random = new Random(2023);
  const bases = fixtures();
  const broken = new Set<string>();
  for (let count = 0; count < REPORTS; count += 1) {
    const report = mutated(random.pick(bases), random);
    // The server holds a report against that of last year too, where the organ has one.
    const theirs = (await server.validate(report)).filter(
      ({ ruleId }) => !ruleId.startsWith("year."),
    );
    const ours = validateOffline(report);
    assert.deepEqual(ours.map(shared), theirs.map(shared), reportToJson(report));
    ours.forEach(({ ruleId }) => broken.add(ruleId));
  }
  for (const ruleId of [
    "blanks.path",
    "blanks.repeated",
    "blanks.valued",
    "report.zero_corrected",
  ]) {
    assert.ok(broken.has(ruleId), `${ruleId} was never broken`);
  }
});
