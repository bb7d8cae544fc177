import { readFileSync, readdirSync } from "node:fs";

import { connect, type NianbaoClient, type Report, reportFromJson } from "../../src/index.js";

const ROOT = new URL("../../../../", import.meta.url);

/** A client of the server under test. */
export function client(principal?: string): NianbaoClient {
  const server = process.env["NIANBAO_SERVER"];
  if (server === undefined) {
    throw new Error("NIANBAO_SERVER names the server, host:port");
  }
  return connect(server, {
    security: "plaintext",
    ...(principal === undefined ? {} : { principal }),
  });
}

/** The reports of the project's tests, of both editions. */
export function fixtures(): Report[] {
  const folder = new URL("tests/fixtures/", ROOT);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => reportFromJson(readFileSync(new URL(name, folder), "utf8")));
}

/** A part of an id that no other run has. */
export function fresh(): string {
  return `${Date.now().toString(36)}-${process.pid.toString(36)}`;
}
