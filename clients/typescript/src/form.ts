import {
  type DescField,
  type DescMessage,
  getOption,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";

import { cell, type Report, ReportSchema, Summing } from "./gen/index.js";

/** Where findings stand that are about no place of the report. */
const WHOLE_REPORT = "整份报告";
/** Parts with these numbers have a table, and are called by it. */
const TABLES = new Set(["二、", "三、", "四、"]);

/** A place of a report: a field, a part, a row or a cell. */
export interface Place {
  /** Its place in the form, from 0. */
  readonly rank: number;
  /** The Chinese address, such as 表三·（三）不予公开·1.属于国家秘密·总计. */
  readonly address: string;
  /** The fields that lead to it, where it is a cell. */
  readonly cell?: readonly DescField[];
}

interface Node {
  readonly path: string;
  readonly address: string;
  readonly label: string;
  readonly summing: Summing;
  readonly fields: readonly DescField[];
}

let known: ReadonlyMap<string, Place> | undefined;

/** Every place of a report by its path, in form order, as the options of the schema state it. */
export function places(): ReadonlyMap<string, Place> {
  known ??= readForm();
  return known;
}

/** The place at that path, or the nearest above it. */
export function placeOf(path: string): Place | undefined {
  for (let rest = path; rest !== ""; rest = above(rest)) {
    const place = places().get(rest);
    if (place !== undefined) {
      return place;
    }
  }
  return undefined;
}

/** The rank in form order and the Chinese address of a path. A blank is found under its cell. */
export function addressOf(report: Report, path: string): Pick<Place, "rank" | "address"> {
  const index = /^blanks\[(\d+)\]/.exec(path)?.[1];
  const spokenOf = index === undefined ? undefined : report.blanks[Number(index)]?.fieldPath;
  const place = spokenOf === undefined ? undefined : placeOf(spokenOf);
  return place ?? placeOf(path) ?? { rank: 0, address: WHOLE_REPORT };
}

/** What the report has in a cell, as text; `undefined` for a blank. */
export function cellValue(report: Report, fields: readonly DescField[]): string | undefined {
  let value: unknown = report;
  for (const field of fields) {
    value = value === undefined ? undefined : valueOf(value as Message, field);
  }
  // The unit of an amount has no presence: an empty one is a blank.
  return value === undefined || value === "" ? undefined : `${value as bigint | string}`;
}

/** What stands in a field; `undefined` where nothing does. */
export function valueOf(message: Message, field: DescField): unknown {
  return (message as Message & Record<string, unknown>)[field.localName];
}

/** Whether an unset field can be told from one that holds its default. */
export function hasPresence(field: DescField): boolean {
  return field.presence !== FeatureSet_FieldPresence.IMPLICIT;
}

function above(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("."), path.lastIndexOf("["), 0));
}

function readForm(): ReadonlyMap<string, Place> {
  const root: Node = { path: "", address: "", label: "", summing: Summing.UNSPECIFIED, fields: [] };
  const found: [string, Omit<Place, "rank">][] = [];
  const [parts, others] = [true, false].map((printed) =>
    ReportSchema.fields.filter((field) => (getOption(field, cell).number !== "") === printed),
  );
  others?.forEach((field) => {
    found.push([field.name, { address: getOption(field, cell).label }]);
  });
  parts?.forEach((field) => {
    visit(below(root, field), field, found);
  });
  return new Map(found.map(([path, place], rank) => [path, { ...place, rank }]));
}

/** Notes a part, row or cell and then what is below it. */
function visit(node: Node, field: DescField, found: [string, Omit<Place, "rank">][]): void {
  const message = nested(field);
  // Prose is printed too, and is never summed; a text that is, such as a unit, is a cell.
  const prose = isText(field) && node.summing === Summing.UNSPECIFIED;
  const isCell = field.message === undefined && !prose;
  found.push([node.path, { address: node.address, ...(isCell ? { cell: node.fields } : {}) }]);
  message?.fields.forEach((child) => {
    visit(below(node, child), child, found);
  });
}

function nested(field: DescField): DescMessage | undefined {
  const own = field.message?.file.proto.package === ReportSchema.file.proto.package;
  return field.fieldKind === "message" && own ? field.message : undefined;
}

/** Neither a count nor an amount of money, which has presence. */
function isText(field: DescField): boolean {
  const count = field.scalar === ScalarType.INT64;
  const money = field.scalar === ScalarType.STRING && hasPresence(field);
  return !count && !money;
}

function below(node: Node, field: DescField): Node {
  const options = getOption(field, cell);
  return {
    path: node.path === "" ? field.name : `${node.path}.${field.name}`,
    address: address(node, options.number, options.label, options.column),
    label: options.label,
    summing: options.summing === Summing.UNSPECIFIED ? node.summing : options.summing,
    fields: [...node.fields, field],
  };
}

/** A row whose label repeats that of its group is named once, and so is the prose of a part. */
function address(node: Node, printed: string, label: string, column: string): string {
  if (node.path === "") {
    return TABLES.has(printed) ? `表${printed.slice(0, -1)}` : `${printed}${label}`;
  }
  if (label === node.label || label === "正文") {
    return node.address;
  }
  const own = `${node.address}·${printed}${label}`;
  return column === "" ? own : `${own}·${column}`;
}
