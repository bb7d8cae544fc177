import { readFileSync } from "node:fs";

import { type Report, reportFromJson } from "../../src/index.js";

const EXAMPLES = new URL("../../../examples/", import.meta.url);

/** The text of a report of the examples. */
export function exampleText(name: string): string {
  return readFileSync(new URL(name, EXAMPLES), "utf8");
}

/** A report of the examples. */
export function example(name = "report.json"): Report {
  return reportFromJson(exampleText(name));
}

/** The report with another figure in one cell, so that two sums are wrong. */
export function wrong(): Report {
  const report = example();
  const row = report.requests?.unable?.notHeld;
  if (row === undefined) {
    throw new Error("the example lacks a row");
  }
  row.naturalPerson = 50n;
  return report;
}
