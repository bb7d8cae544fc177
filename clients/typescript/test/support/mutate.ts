import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";

import { BlankSchema, clone, create, type Report, ReportSchema } from "../../src/index.js";
import { places } from "../../src/form.js";

/** A source of numbers that are the same in every run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A number from 0 to below `bound`. */
  below(bound: number): number {
    // The generator of Numerical Recipes: nothing here depends on its quality.
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * bound);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

/** A copy of the report with one to six changes, of every kind that a rule can ask about. */
export function mutated(report: Report, random: Random): Report {
  const copy = clone(ReportSchema, report);
  for (let changes = 1 + random.below(6); changes > 0; changes -= 1) {
    random.pick(CHANGES)(copy, random);
  }
  return copy;
}

type Change = (report: Report, random: Random) => void;

const TEXTS = ["", " \u3000", "无", "没有。", "本年度零纠错。", "行政复议维持零纠错", "正文🀄"];

const CHANGES: readonly Change[] = [
  cellChange,
  cellChange,
  cellChange,
  part,
  blank,
  blank,
  identity,
  prose,
  (report, random) => {
    const fingerprint = random.pick(["no", "0123456789abcdef", ""]);
    report.explanations.push({
      $typeName: "nianbao.v1.Explanation",
      fingerprint,
      text: random.pick(TEXTS),
    });
  },
];

/** Another value in a cell, or none. */
function cellChange(report: Report, random: Random): void {
  const cells = [...places().values()].flatMap(({ cell }) => (cell === undefined ? [] : [cell]));
  const fields = random.pick(cells);
  const parent = descend(report, fields.slice(0, -1));
  const last = fields.at(-1);
  if (parent === undefined || last === undefined) {
    return;
  }
  const money = ["0", "1317.89", "01,5", "-3", "999999999999.999999"];
  const counts = [0n, 1n, 7n, -1n, 50n, 10n ** 6n, 10n ** 12n, 2n ** 49n];
  if (random.below(4) === 0) {
    parent.clear(last);
  } else {
    parent.set(last, last.scalar === ScalarType.STRING ? random.pick(money) : random.pick(counts));
  }
}

/** A part, a row or a group that is gone. */
function part(report: Report, random: Random): void {
  const inner = [...places().keys()].filter((path) => /^[a-z_]+(\.[a-z_]+)?$/.test(path));
  const names = random.pick(inner).split(".");
  let at: ReflectMessage | undefined = reflect(ReportSchema, report);
  for (const name of names.slice(0, -1)) {
    at = at && below(at, name);
  }
  const field = at?.desc.fields.find((known) => known.name === names.at(-1));
  if (at !== undefined && field?.fieldKind === "message") {
    at.clear(field);
  }
}

function blank(report: Report, random: Random): void {
  const paths = [...places().keys(), "nowhere", "", "blanks[0].kind", "requests.granted.totals"];
  // 9 is no kind: an enum of the wire may hold any number.
  const kinds = [0, 1, 2, 3, 4, 5, 5, 9];
  const fieldPath = random.pick([random.pick(paths), "requests", "disclosure_2019", "disclosure"]);
  const raw = random.pick(["", "若干"]);
  report.blanks.push(
    Object.assign(create(BlankSchema, { fieldPath, raw }), { kind: random.pick(kinds) }),
  );
}

function identity(report: Report, random: Random): void {
  const changes = [
    () => (report.year = random.pick([0, 1800, 2019, 2020, 2023, 2100])),
    () => {
      Object.assign(report, { scope: random.pick([0, 1, 2, 9]) });
    },
    () => {
      Object.assign(report, { edition: random.pick([0, 1, 2, 9]) });
    },
    () => (report.organ = random.pick(["", "organs/x", "organs/Not An Id", "x".repeat(71)])),
    () => (report.title = "题".repeat(random.pick([1, 200, 201]))),
  ];
  random.pick(changes)();
}

function prose(report: Report, random: Random): void {
  const parts = [report.overview, report.problems, report.otherMatters];
  const chosen = random.pick(parts);
  if (chosen !== undefined) {
    chosen.text = random.pick(TEXTS);
  }
}

function descend(report: Report, fields: readonly DescField[]): ReflectMessage | undefined {
  let at: ReflectMessage | undefined = reflect(ReportSchema, report);
  for (const { name } of fields) {
    at = at && below(at, name);
  }
  return at;
}

function below(parent: ReflectMessage, name: string): ReflectMessage | undefined {
  const field = parent.desc.fields.find((known) => known.name === name);
  return field?.fieldKind === "message" && parent.isSet(field) ? parent.get(field) : undefined;
}
