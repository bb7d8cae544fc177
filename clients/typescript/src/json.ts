import { readFile } from "node:fs/promises";

import { type DescMessage, fromJson, type JsonValue, toJsonString } from "@bufbuild/protobuf";

import { NianbaoError } from "./error.js";
import { ErrorReason, type Report, ReportSchema } from "./gen/index.js";

/**
 * Reads a report from proto JSON.
 *
 * @throws NianbaoError with `INVALID_ARGUMENT` where the text is no JSON, has fields that the
 *   schema does not have (`UNKNOWN_FIELD`: `violations` names each), or has values of a wrong kind.
 */
export function reportFromJson(text: string): Report {
  const json = parse(text);
  const unknown = unknownFields(ReportSchema, json, "");
  if (unknown.length > 0) {
    const names = unknown.join(", ");
    throw NianbaoError.invalid(
      `the report has fields that the schema does not have: ${names}`,
      `报告含有未知字段：${names}`,
      {
        reason: ErrorReason[ErrorReason.UNKNOWN_FIELD],
        violations: unknown.map((fieldPath) => ({
          ruleId: ErrorReason[ErrorReason.UNKNOWN_FIELD],
          fieldPath,
          description: "the schema has no such field",
          messageZh: "报告格式中没有该字段",
        })),
      },
    );
  }
  try {
    return fromJson(ReportSchema, json);
  } catch (cause) {
    throw unreadable(cause);
  }
}

/**
 * A report as proto JSON: two spaces a level, fields in the order of the schema.
 *
 * @throws NianbaoError with `INVALID_ARGUMENT` where JSON cannot hold a value, such as a time that
 *   is out of range.
 */
export function reportToJson(report: Report): string {
  try {
    return toJsonString(ReportSchema, report, { prettySpaces: 2 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw NianbaoError.invalid(`the report cannot be written: ${why}`, `报告无法写出：${why}`, {
      cause,
    });
  }
}

/** Reads a report from a file of proto JSON. */
export async function readReport(path: string | URL): Promise<Report> {
  return reportFromJson(new TextDecoder().decode(await readBytes(path)));
}

/** The bytes of a file, or the bytes themselves. */
export async function readBytes(source: string | URL | Uint8Array): Promise<Uint8Array> {
  if (source instanceof Uint8Array) {
    return source;
  }
  try {
    return await readFile(source);
  } catch (cause) {
    const why = String(cause);
    throw NianbaoError.invalid(`cannot read the file: ${why}`, `文件无法读取：${why}`, { cause });
  }
}

function parse(text: string): JsonValue {
  let json: JsonValue;
  try {
    json = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw unreadable(cause);
  }
  refuseRepetition(text);
  return json;
}

/** Refuses a name that stands twice in an object, of which JSON.parse has dropped the first. */
function refuseRepetition(text: string): void {
  const open: Set<string>[] = [];
  // In what is JSON, a text before a colon is a name, of the innermost object.
  for (const [token, name] of text.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")(?:\s*:)?|[{}]/g)) {
    if (token === "{") {
      open.push(new Set());
    } else if (token === "}") {
      open.pop();
    } else if (name !== undefined && token.endsWith(":")) {
      const names = open.at(-1);
      if (names?.has(name) === true) {
        throw unreadable(new SyntaxError(`${name} stands twice in one object`));
      }
      names?.add(name);
    }
  }
}

function unreadable(cause: unknown): NianbaoError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return NianbaoError.invalid(`the report cannot be read: ${why}`, `报告无法读取：${why}`, {
    cause,
  });
}

/** The paths of all fields that a message does not have: the parser itself names the first only. */
function unknownFields(schema: DescMessage, json: unknown, path: string): string[] {
  // Messages with a JSON form of their own, such as a time, are texts.
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return [];
  }
  return Object.entries(json).flatMap(([key, value]) => {
    const at = path === "" ? key : `${path}.${key}`;
    const field = schema.fields.find(({ name, jsonName }) => name === key || jsonName === key);
    if (field === undefined) {
      return [at];
    }
    const below = field.message;
    if (below === undefined) {
      return [];
    }
    return Array.isArray(value)
      ? value.flatMap((item, index) => unknownFields(below, item, `${at}[${index}]`))
      : unknownFields(below, value, at);
  });
}
