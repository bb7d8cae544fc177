// Compares the official protovalidate for ECMAScript with the compiled rules.
//
// check.mjs REPORTS DESCRIPTORS NODE_MODULES: the two files are written by generate_reports;
// README.md documents them. NODE_MODULES is the folder of that name which holds
// @bufbuild/protovalidate. No generated code is needed: the messages are made from the descriptors.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

// So many reports that differ are shown; a wrong rule differs in thousands.
const SHOWN_MAX = 5;
const TEXT_SHOWN_MAX = 20_000;

if (process.argv.length !== 5) {
  console.error("usage: check.mjs REPORTS DESCRIPTORS NODE_MODULES");
  process.exit(2);
}
const [reports, descriptors, nodeModules] = process.argv.slice(2);
// The packages lie in a folder that is not above this file, where `import` would look.
const require = createRequire(resolve(nodeModules, "../package.json"));
const { createFileRegistry, fromBinary, toJson } = require("@bufbuild/protobuf");
const { pathToString } = require("@bufbuild/protobuf/reflect");
const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt");
const { createValidator } = require("@bufbuild/protovalidate");

const registry = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)),
);
const schema = registry.getMessage("nianbao.v1.Report");
const validator = createValidator({ registry });

let count = 0;
let differing = 0;
for (const [encoded, expected] of records(readFileSync(reports))) {
  const report = fromBinary(schema, encoded);
  const result = validator.validate(schema, report);
  const found = new Set(
    (result.violations ?? []).map((v) => `${pathToString(v.field)}\t${v.ruleId}`),
  );
  const alone = difference(expected, found);
  const surplus = difference(found, expected);
  if (result.kind === "error" || alone.length > 0 || surplus.length > 0) {
    differing += 1;
    if (differing <= SHOWN_MAX) {
      show(report, result, alone, surplus);
    }
  }
  count += 1;
}

const manifest = join(nodeModules, "@bufbuild/protovalidate/package.json");
const { version } = JSON.parse(readFileSync(manifest, "utf8"));
if (count === 0 || differing > 0) {
  console.log(`${differing} of ${count} reports differ (ecmascript, protovalidate ${version})`);
  process.exitCode = 1;
} else {
  console.log(`${count} reports agree (ecmascript, protovalidate ${version})`);
}

/** Yields each encoded report with the lines `path TAB rule` that it is to violate. */
function* records(file) {
  let at = 0;
  const part = () => {
    if (at + 4 > file.length || at + 4 + file.readUInt32BE(at) > file.length) {
      throw new Error("the file of reports ends within a record");
    }
    const from = at + 4;
    at = from + file.readUInt32BE(at);
    return file.subarray(from, at);
  };
  while (at < file.length) {
    const encoded = part();
    const lines = part().toString("utf8").split("\n");
    yield [encoded, new Set(lines.filter((line) => line !== ""))];
  }
}

function difference(left, right) {
  return [...left].filter((item) => !right.has(item)).sort();
}

function show(report, result, alone, surplus) {
  console.log(`report ${count} (from 0) differs:`);
  if (result.kind === "error") {
    console.log(`  not evaluated: ${result.error}`);
  }
  for (const line of alone) {
    console.log(`  the compiled rules alone: ${line}`);
  }
  for (const line of surplus) {
    console.log(`  protovalidate alone: ${line}`);
  }
  let text;
  try {
    text = JSON.stringify(toJson(schema, report, { registry }));
  } catch (error) {
    // JSON has no form for some values that the wire carries, such as a time out of range.
    text = `(no JSON: ${error})`;
  }
  console.log(
    text.length < TEXT_SHOWN_MAX
      ? text
      : `${text.slice(0, TEXT_SHOWN_MAX)}\n  … ${text.length} characters in all`,
  );
}
