// The runner of the conformance cases: each line of the input is a case, each of the output its
// answer. `--time SECONDS FILE…` measures instead.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import { pathToString } from "@bufbuild/protobuf/reflect";
import {
  type Finding,
  fromBinary,
  type Report,
  reportFromJson,
  ReportSchema,
  reportToJson,
  Severity,
  toBinary,
  validateOffline,
  violationsOf,
} from "@nianbao/client";

interface Case {
  readonly name: string;
  readonly binary: string;
  readonly json: string;
}

function shown(finding: Finding) {
  const { ruleId, rulePath, fieldPath, cell, severity, derived, fingerprint, operands } = finding;
  return {
    rule: ruleId,
    rule_path: rulePath,
    field_path: fieldPath,
    cell,
    severity: Severity[severity],
    derived,
    fingerprint,
    operands: operands.map(({ fieldPath, value = null }) => ({ field_path: fieldPath, value })),
  };
}

function answer({ name, binary, json }: Case) {
  const report = fromBinary(ReportSchema, Buffer.from(binary, "base64"));
  const parsed = reportFromJson(json);
  const findings = validateOffline(report).map(shown);
  return {
    name,
    violations: violationsOf(report).map(({ field, ruleId }) => ({
      path: pathToString(field),
      rule: ruleId,
    })),
    findings,
    json: reportToJson(report),
    binary: Buffer.from(toBinary(ReportSchema, parsed)).toString("base64"),
    json_findings: JSON.stringify(validateOffline(parsed).map(shown)) === JSON.stringify(findings),
  };
}

async function answerCases(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    let name = "";
    let said: unknown;
    try {
      const asked = JSON.parse(line) as Case;
      name = asked.name;
      said = answer(asked);
    } catch (error) {
      said = { name, error: String(error) };
    }
    process.stdout.write(`${JSON.stringify(said)}\n`);
  }
}

/** The median of the microseconds that a run takes, of as many runs as fit. */
function measure(ms: number, run: () => unknown): { median: number; runs: number } {
  const times: number[] = [];
  const end = performance.now() + ms;
  do {
    const start = performance.now();
    run();
    times.push((performance.now() - start) * 1000);
  } while (performance.now() < end);
  times.sort((left, right) => left - right);
  const median = times[times.length >> 1] ?? 0;
  return { median: Math.round(median * 10) / 10, runs: times.length };
}

function time(seconds: number, files: readonly string[]): void {
  const ms = seconds * 1000;
  for (const file of files) {
    const report: Report = fromBinary(ReportSchema, readFileSync(file));
    measure(ms / 2, () => validateOffline(report));
    const alone = measure(ms, () => violationsOf(report));
    const whole = measure(ms, () => validateOffline(report));
    const said = {
      file,
      validate_us: alone.median,
      findings_us: whole.median,
      runs: alone.runs + whole.runs,
    };
    process.stdout.write(`${JSON.stringify(said)}\n`);
  }
}

const [mode, seconds, ...files] = process.argv.slice(2);
if (mode === undefined) {
  await answerCases();
} else if (mode === "--time" && Number(seconds) > 0 && files.length > 0) {
  time(Number(seconds), files);
} else {
  console.error("usage: conformance [--time SECONDS FILE.binpb...]");
  process.exitCode = 2;
}
