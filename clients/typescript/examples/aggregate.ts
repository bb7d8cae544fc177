// Sums a city for a year, with the reports that wait for acceptance.

import { readFileSync } from "node:fs";

import { connect, NianbaoError } from "@nianbao/client";

const server = process.argv[2] ?? process.env["NIANBAO_SERVER"] ?? "127.0.0.1:50051";
const folder = process.env["NIANBAO_EXAMPLES"] ?? `${import.meta.dirname}/../../examples`;

// The city stands in the first row below the headings.
const [, row = ""] = readFileSync(`${folder}/organs.csv`, "utf8").split("\n");
const city = `organs/${row.split(",")[0]}`;

using client = connect(server, { security: "plaintext" });
try {
  const [sum] = await client.aggregate(city, [2023], { includeUnaccepted: true });
  console.log(`${city}, 2023`);
  const rows: [string, string | bigint | undefined][] = [
    ["received", sum?.requests?.newlyReceived?.total],
    ["granted", sum?.requests?.granted?.total],
    ["processed", sum?.requests?.totalProcessed?.total],
    ["fees (10,000 yuan)", sum?.disclosure?.feesWanYuan],
  ];
  for (const [label, value] of rows) {
    // What no organ gave is unknown, and not 0.
    console.log(`${label.padEnd(20)}${String(value ?? "unknown").padStart(12)}`);
  }
  const { expected = 0, included = 0, missing = 0, unaccepted = 0 } = sum?.coverage ?? {};
  console.log(`coverage: ${expected} expected, ${included} included, ${missing} missing`);
  console.log(`of the included ${unaccepted} wait for acceptance`);
} catch (error) {
  console.error(error instanceof NianbaoError ? error.text() : error);
  process.exitCode = 1;
}
