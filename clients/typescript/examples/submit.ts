// Registers the organs of a list and submits a report.

import {
  connect,
  contentRequestId,
  create,
  NianbaoError,
  readReport,
  Report_State,
  SubmitReportRequestSchema,
  timestampDate,
} from "@nianbao/client";

const server = process.argv[2] ?? process.env["NIANBAO_SERVER"] ?? "127.0.0.1:50051";
const folder = process.env["NIANBAO_EXAMPLES"] ?? `${import.meta.dirname}/../../examples`;

using client = connect(server, { security: "plaintext", principal: "example-clerk" });
try {
  // What is registered already and stands as its row says is left as it is.
  const { result } = await client.importOrgans(`${folder}/organs.csv`);
  console.log(`organs: ${result?.created} registered, ${result?.unchanged} as they were`);

  const report = await readReport(`${folder}/report.json`);
  // An id made of the content: a second run is answered with the first answer.
  const requestId = contentRequestId(create(SubmitReportRequestSchema, { report }));
  const answer = await client.submit(report, { requestId });
  console.log(`report: ${answer.report?.name}`);
  console.log(`state: ${Report_State[answer.report?.state ?? 0]}`);
  console.log(`findings: ${answer.findings.length}`);
  if (answer.receipt?.time !== undefined) {
    console.log(`receipt: position ${answer.receipt.position}`);
    console.log(`receipt: entry ${answer.receipt.entryHash}`);
    console.log(`receipt: taken at ${timestampDate(answer.receipt.time).toISOString()}`);
  }
} catch (error) {
  console.error(error instanceof NianbaoError ? error.text() : error);
  process.exitCode = 1;
}
