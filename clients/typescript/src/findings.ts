import { createHash } from "node:crypto";

import { create, type DescMessage, getOption, type Message } from "@bufbuild/protobuf";
import { type Path, pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Violation, type Validator } from "@bufbuild/protovalidate";
import { field as fieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

import { brokenBlanks } from "./blanks.js";
import { ruleEntry } from "./catalogue.js";
import { NianbaoError } from "./error.js";
import { addressOf } from "./form.js";
import {
  ErrorReason,
  type Finding,
  FindingSchema,
  type Operand,
  type Report,
  ReportSchema,
  Severity,
} from "./gen/index.js";
import { joined, operand, operandOfField, operandsOfExpression, valueAt } from "./operands.js";

/** The id of the finding by which the server says that a rule cannot be computed. */
const CELL_RANGE = "cell.range";

let validator: Validator | undefined;

/**
 * Holds a report against the rules of the schema, without a server. The findings are those of the
 * server, in its order, but for three things: rules that compare with other reports (`year.*`) are
 * the server's alone, the texts are those of the catalogue, without figures, and `expected`,
 * `actual`, `delta` and `span` are empty.
 *
 * @throws NianbaoError with the violation `cell.range` where a rule cannot be computed, since its
 *   cells are too large. The server has a finding of that rule there.
 */
export function validateOffline(report: Report): Finding[] {
  const found = [
    ...violationsOf(report)
      .filter(({ field }) => !beyondReading(field))
      .map((violation) => ofViolation(report, violation)),
    ...brokenBlanks(report).map(({ ruleId, rulePath, found }) =>
      render(report, ruleId, rulePath, [operand(rulePath, found)]),
    ),
  ];
  const ofRule = new Map<string, Finding[]>();
  for (const finding of found) {
    const others = ofRule.get(finding.ruleId);
    if (others === undefined) {
      ofRule.set(finding.ruleId, [finding]);
    } else {
      others.push(finding);
    }
  }
  const derived = (finding: Finding) =>
    ruleEntry(finding.ruleId).impliedBy.some((id) =>
      ofRule.get(id)?.some((cause) => explains(cause, finding)),
    );
  const ranked = found.map((finding) => ({
    finding: { ...finding, derived: derived(finding) },
    rank: addressOf(report, finding.fieldPath).rank,
  }));
  ranked.sort(
    ({ finding: a, rank: rankA }, { finding: b, rank: rankB }) =>
      Number(a.derived) - Number(b.derived) ||
      rankA - rankB ||
      compare(a.ruleId, b.ruleId) ||
      compare(a.rulePath, b.rulePath) ||
      compare(a.fingerprint, b.fingerprint),
  );
  return ranked.map(({ finding }) => finding);
}

/** The warnings that the explanations of a report do not cover; derived ones need none. */
export function unexplained(report: Report, findings: readonly Finding[]): Finding[] {
  const explained = new Set(report.explanations.map(({ fingerprint }) => fingerprint));
  return findings.filter(
    ({ severity, derived, fingerprint }) =>
      severity === Severity.WARNING && !derived && !explained.has(fingerprint),
  );
}

/**
 * What protovalidate by itself finds in a report.
 *
 * @throws NianbaoError with `cell.range`, see `validateOffline`.
 */
export function violationsOf(report: Report): Violation[] {
  validator ??= createValidator();
  const result = validator.validate(ReportSchema, report);
  if (result.kind === "error") {
    const { textEn, textZh } = ruleEntry(CELL_RANGE);
    throw NianbaoError.invalid(`${textEn} (${CELL_RANGE}): ${result.error.message}`, textZh, {
      reason: ErrorReason[ErrorReason.REPORT_HAS_ERRORS],
      violations: [{ ruleId: CELL_RANGE, fieldPath: "", description: textEn, messageZh: textZh }],
      cause: result.error,
    });
  }
  return result.violations ?? [];
}

/** Of a list far over its limit the server looks at twice as many items as the limit says. */
function beyondReading(path: Path): boolean {
  return path.some((step, index) => {
    const list = path[index - 1];
    if (step.kind !== "list_sub" || list?.kind !== "field") {
      return false;
    }
    const { type } = getOption(list, fieldRules);
    const bound = type.case === "repeated" ? type.value.maxItems : 0n;
    return bound > 0n && BigInt(step.index) >= 2n * bound;
  });
}

function ofViolation(report: Report, { ruleId, field }: Violation): Finding {
  const path = pathToString(field);
  const { expression } = ruleEntry(ruleId);
  const value = valueAt(report, field);
  const operands =
    expression === ""
      ? [operandOfField(ruleId, value, path)]
      : operandsOfExpression(expression, schemaAt(field), value as Message, path);
  return render(report, ruleId, path, operands);
}

/** The message at a path that ends in one. */
function schemaAt(path: Path): DescMessage {
  const last = path.findLast((step) => step.kind === "field");
  return last?.message ?? ReportSchema;
}

function render(report: Report, ruleId: string, rulePath: string, operands: Operand[]): Finding {
  const { severity, subject, textZh, textEn } = ruleEntry(ruleId);
  const fieldPath = joined(rulePath, subject);
  return create(FindingSchema, {
    ruleId,
    severity,
    rulePath,
    fieldPath,
    cell: addressOf(report, fieldPath).address,
    messageZh: textZh,
    messageEn: textEn,
    operands,
    fingerprint: fingerprint(ruleId, fieldPath, operands),
  });
}

/** See the schema, `Finding.fingerprint`. */
function fingerprint(ruleId: string, fieldPath: string, operands: readonly Operand[]): string {
  const lines = [
    ruleId,
    fieldPath,
    ...operands.map(({ fieldPath, value }) =>
      value === undefined ? fieldPath : `${fieldPath}=${value}`,
    ),
  ];
  const digest = createHash("sha256").update(lines.map((line) => `${line}\n`).join(""));
  return digest.digest("hex").slice(0, 16);
}

/** Whether one of a rule that implies another stands on the same message as that, or below. */
function explains(cause: Finding, finding: Finding): boolean {
  if (cause.rulePath === finding.rulePath) {
    return cause.ruleId !== finding.ruleId;
  }
  const below = finding.rulePath === "" || cause.rulePath.startsWith(`${finding.rulePath}.`);
  const read = new Set(finding.operands.map((operand) => operand.fieldPath));
  return below && cause.operands.some((operand) => read.has(operand.fieldPath));
}

/** Orders by the bytes of what is ASCII. */
function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
