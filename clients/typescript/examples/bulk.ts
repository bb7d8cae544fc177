// Submits a folder of reports as one stream. Run it again to go on after a break.

import { readdirSync } from "node:fs";

import { connect, NianbaoError, readReport } from "@nianbao/client";

const server = process.argv[2] ?? process.env["NIANBAO_SERVER"] ?? "127.0.0.1:50051";
const data = process.env["NIANBAO_EXAMPLES"] ?? `${import.meta.dirname}/../../examples`;
const folder = `${data}/reports`;

using client = connect(server, { security: "plaintext", principal: "example-clerk" });
const files = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .sort();

// Each file is read when the stream has room for it.
async function* items() {
  for (const file of files) {
    yield { file, report: await readReport(`${folder}/${file}`) };
  }
}

try {
  let taken = 0;
  for await (const { index, item, report, receipt, refusal } of client.submitAll(items())) {
    const progress = `${index + 1}/${files.length} ${item.file}:`;
    if (refusal === undefined) {
      taken += 1;
      console.log(`${progress} taken, ${report?.name}, position ${receipt?.position}`);
    } else {
      console.log(`${progress} refused, ${refusal.text()}`);
    }
  }
  console.log(`taken ${taken}, refused ${files.length - taken}`);
} catch (error) {
  console.error(error instanceof NianbaoError ? error.text() : error);
  process.exitCode = 1;
}
