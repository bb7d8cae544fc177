import { cellValue, places } from "./form.js";
import { type Blank, Blank_Kind, Edition, type Report } from "./gen/index.js";

/** Blanks beyond twice the limit of the list are not looked at, as the server has it. */
const BLANKS_READ_MAX = 1024;

/** The table two of the other edition than the report states. */
const OTHER_TABLE = new Map([
  [Edition.EDITION_2021, "disclosure_2019"],
  [Edition.EDITION_2019, "disclosure"],
]);

/** A blank that cannot be: which rule it breaks, where, and what was found. */
export interface BrokenBlank {
  readonly ruleId: "blanks.path" | "blanks.repeated" | "blanks.valued";
  readonly rulePath: string;
  readonly found: string;
}

/**
 * The rules for which an expression is too little, since they need the list of cells: each blank
 * names, once, a cell of the edition or a missing table, and what it names has no value.
 */
export function brokenBlanks(report: Report): BrokenBlank[] {
  const seen = new Set<string>();
  const broken: BrokenBlank[] = [];
  report.blanks.slice(0, BLANKS_READ_MAX).forEach((blank, index) => {
    const path = blank.fieldPath;
    // Of an empty path `required` has said it.
    const fault =
      path === "" ? undefined : seen.has(path) ? repeated(path) : fromForm(report, blank);
    seen.add(path);
    if (fault !== undefined) {
      broken.push({ ...fault, rulePath: `blanks[${index}].field_path` });
    }
  });
  return broken;
}

type Fault = Pick<BrokenBlank, "ruleId" | "found">;

function repeated(path: string): Fault {
  return { ruleId: "blanks.repeated", found: path };
}

function fromForm(report: Report, { fieldPath: path, kind }: Blank): Fault | undefined {
  const wholeTable = kind === Blank_Kind.TABLE_MISSING;
  const elsewhere: Fault = { ruleId: "blanks.path", found: path };
  if (path.split(".")[0] === OTHER_TABLE.get(report.edition)) {
    return elsewhere;
  }
  const cell = places().get(path)?.cell;
  if (cell !== undefined && !wholeTable) {
    const value = cellValue(report, cell);
    return value === undefined ? undefined : { ruleId: "blanks.valued", found: value };
  }
  const there = tableIsThere(report, path);
  if (cell === undefined && there !== undefined && wholeTable) {
    return there ? { ruleId: "blanks.valued", found: path } : undefined;
  }
  return elsewhere;
}

/** Whether the table of that path is in the report; `undefined` where the path is no table. */
function tableIsThere(report: Report, path: string): boolean | undefined {
  switch (path) {
    case "disclosure":
      return report.disclosure !== undefined;
    case "disclosure_2019":
      return report.disclosure2019 !== undefined;
    case "requests":
      return report.requests !== undefined;
    case "disputes":
      return report.disputes !== undefined;
    default:
      return undefined;
  }
}
