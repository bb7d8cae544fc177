// A report with a wrong figure: what is found before it is sent, and how the server refuses it.

import { connect, NianbaoError, readReport, Severity } from "@nianbao/client";

const server = process.argv[2] ?? process.env["NIANBAO_SERVER"] ?? "127.0.0.1:50051";
const folder = process.env["NIANBAO_EXAMPLES"] ?? `${import.meta.dirname}/../../examples`;

using client = connect(server, { security: "plaintext", principal: "example-clerk" });
const report = await readReport(`${folder}/refused.json`);

console.log("before sending:");
for (const { ruleId, severity, fieldPath, cell, messageZh } of client.validateOffline(report)) {
  console.log(`- ${Severity[severity]} ${ruleId} ${fieldPath}`);
  console.log(`  ${cell}：${messageZh}`);
}

try {
  await client.submit(report);
  console.error("the report was taken, although a figure is wrong");
  process.exitCode = 1;
} catch (error) {
  if (!(error instanceof NianbaoError) || error.violations.length === 0) {
    throw error;
  }
  // The refusal is what this example shows, so it ends well.
  console.log(`the server: ${error.reasonText}, ${error.messageZh}`);
  for (const { ruleId, fieldPath, messageZh } of error.violations) {
    console.log(`- ${ruleId} ${fieldPath}`);
    console.log(`  ${messageZh}`);
  }
}
