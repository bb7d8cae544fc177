import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import type { Path } from "@bufbuild/protobuf/reflect";

import { valueOf } from "./form.js";
import { type Operand, OperandSchema } from "./gen/index.js";

/** A selection from `this`, and the bracket that makes its last name a function. */
const SELECTION = /this((?:\.[a-z0-9_]+)+)(\(?)/g;
/** The words that `contains` looks for. */
const WORDS = /^'([^']*)'/;
/** What a message that is there, or a flag that is raised, reads. */
const PRESENT = "present";

/** A cell that an expression reads. */
interface Read {
  readonly path: string;
  readonly fields: readonly DescField[];
  /** The words that are looked for in a text, where that is its first appearance. */
  readonly words?: string | undefined;
}

const readsOf = new WeakMap<DescMessage, Map<string, readonly Read[]>>();

/** What a CEL rule read of the message on which it stands, in the order of its expression. */
export function operandsOfExpression(
  expression: string,
  schema: DescMessage,
  message: Message,
  rulePath: string,
): Operand[] {
  return reads(expression, schema).map((read) =>
    operand(joined(rulePath, read.path), readValue(message, read)),
  );
}

/** What a standard rule read: the field itself. */
export function operandOfField(ruleId: string, value: unknown, path: string): Operand {
  switch (ruleId.split(".")[0]) {
    case "required":
      return operand(path, undefined);
    case "repeated":
      return operand(path, String((value as readonly unknown[]).length));
    case "bytes":
      return operand(path, String((value as Uint8Array).length));
    case "string":
      return operand(
        path,
        ruleId === "string.pattern"
          ? (value as string)
          : String(Buffer.byteLength(value as string)),
      );
    default:
      return operand(path, String(value));
  }
}

/** An operand of that path and value. */
export function operand(fieldPath: string, value: string | undefined): Operand {
  return create(OperandSchema, value === undefined ? { fieldPath } : { fieldPath, value });
}

/** Joins two paths, each of which may be empty. */
export function joined(path: string, rest: string): string {
  return path === "" || rest === "" ? path + rest : `${path}.${rest}`;
}

/** What stands at a path of protovalidate's. */
export function valueAt(message: Message, path: Path): unknown {
  let value: unknown = message;
  for (const step of path) {
    if (value === undefined) {
      return undefined;
    }
    if (step.kind === "field") {
      value = valueOf(value as Message, step);
    } else if (step.kind === "list_sub") {
      value = (value as readonly unknown[])[step.index];
    }
  }
  return value;
}

/** The selections of an expression, each once: its first appearance decides. */
function reads(expression: string, schema: DescMessage): readonly Read[] {
  const ofSchema = readsOf.get(schema) ?? new Map<string, readonly Read[]>();
  readsOf.set(schema, ofSchema);
  const seen = ofSchema.get(expression);
  if (seen !== undefined) {
    return seen;
  }
  const found = new Map<string, Read>();
  for (const match of expression.matchAll(SELECTION)) {
    const names = (match[1] ?? "").slice(1).split(".");
    const called = match[2] === "(" ? names.pop() : undefined;
    const path = names.join(".");
    if (!found.has(path)) {
      const after = expression.slice(match.index + match[0].length);
      const words = called === "contains" ? WORDS.exec(after)?.[1] : undefined;
      found.set(path, { path, fields: resolve(schema, names), words });
    }
  }
  const list = [...found.values()];
  ofSchema.set(expression, list);
  return list;
}

function resolve(schema: DescMessage, names: readonly string[]): DescField[] {
  let within: DescMessage | undefined = schema;
  return names.map((name) => {
    const field: DescField | undefined = within?.fields.find((known) => known.name === name);
    if (field === undefined) {
      throw new Error(`${within?.typeName ?? "a scalar"} has no field ${name}`);
    }
    within = field.message;
    return field;
  });
}

function readValue(message: Message, { fields, words }: Read): string | undefined {
  let value: unknown = message;
  for (const field of fields) {
    value = valueOf(value as Message, field);
    if (value === undefined) {
      return undefined;
    }
  }
  const last = fields.at(-1);
  if (last?.fieldKind === "message") {
    return PRESENT;
  }
  if (last?.scalar === ScalarType.BOOL) {
    return value === true ? PRESENT : undefined;
  }
  if (words !== undefined) {
    return (value as string).includes(words) ? words : undefined;
  }
  return String(value);
}
