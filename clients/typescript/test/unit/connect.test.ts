import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { Code, connect, type ConnectOptions, NianbaoError, OrganService } from "../../src/index.js";
import { Stub } from "../support/stub.js";

const ROOT = new URL("../../../../", import.meta.url);
const CERTIFICATE = fileURLToPath(new URL("target/clients/tls/cert.pem", ROOT));
const KEY = fileURLToPath(new URL("target/clients/tls/key.pem", ROOT));
/** No call here is to be tried again. */
const ONCE = { methodConfig: [] };

execFileSync(fileURLToPath(new URL("clients/make-certificate", ROOT)), [
  fileURLToPath(new URL("target/clients/tls", ROOT)),
]);
const TLS = { cert: readFileSync(CERTIFICATE), key: readFileSync(KEY) };

async function call(target: string, security: ConnectOptions["security"]): Promise<string> {
  using client = connect(target, { security, serviceConfig: ONCE, timeoutMs: 5000 });
  return (await client.organs.getOrgan({})).name;
}

function stub(tls?: object): Promise<Stub> {
  return Stub.start(
    (router) => {
      router.rpc(OrganService.method.getOrgan, () => ({ name: "organs/a" }));
    },
    tls && { ...TLS, ...tls },
  );
}

function unavailable(error: unknown): boolean {
  return error instanceof NianbaoError && error.code === Code.Unavailable;
}

test("a server is reached over TLS with the authority of a file", async () => {
  await using server = await stub({});
  assert.equal(await call(server.address, { ca: CERTIFICATE }), "organs/a");
  assert.equal(await call(`localhost:${server.port}`, { ca: CERTIFICATE }), "organs/a");
});

test("a certificate that no authority of the system has signed is not believed", async () => {
  await using server = await stub({});
  await assert.rejects(call(server.address, "tls"), unavailable);
});

test("a server that wants a client certificate gets the one of the files", async () => {
  await using server = await stub({ requestCert: true, rejectUnauthorized: true, ca: TLS.cert });
  const files = { ca: CERTIFICATE, certificate: CERTIFICATE, key: KEY };
  assert.equal(await call(server.address, files), "organs/a");
  await assert.rejects(call(server.address, { ca: CERTIFICATE }), unavailable);
});

test("plaintext is not taken where TLS is meant, nor TLS where plaintext is", async () => {
  await using encrypted = await stub({});
  await using plain = await stub();
  assert.equal(await call(plain.address, "plaintext"), "organs/a");
  await assert.rejects(call(encrypted.address, "plaintext"), unavailable);
  await assert.rejects(call(plain.address, { ca: CERTIFICATE }), unavailable);
});

test("a server that is not there is UNAVAILABLE", async () => {
  const server = await stub();
  const { address } = server;
  await server[Symbol.asyncDispose]();
  await assert.rejects(call(address, "plaintext"), unavailable);
});

test("an option that is malformed is refused before anything is sent", () => {
  const cases: [string, ConnectOptions, RegExp][] = [
    ["http://127.0.0.1:1", { security: "plaintext" }, /not host:port/],
    ["127.0.0.1", { security: "plaintext" }, /not host:port/],
    ["127.0.0.1:1/path", { security: "plaintext" }, /not host:port/],
    ["", { security: "tls" }, /not host:port/],
    ["a:1", { security: "plaintext", principal: "张" }, /principal/],
    ["a:1", { security: "plaintext", principal: "" }, /principal/],
    ["a:1", { security: { certificate: CERTIFICATE } }, /wants its key/],
    ["a:1", { security: { ca: "no-such.pem" } }, /no-such\.pem/],
    ["a:1", { security: "plaintext", serviceConfig: {} }, /methodConfig/],
  ];
  for (const [target, options, said] of cases) {
    assert.throws(
      () => connect(target, options),
      (error) =>
        error instanceof NianbaoError &&
        error.code === Code.InvalidArgument &&
        said.test(error.message),
      `${target} ${JSON.stringify(options)}`,
    );
  }
});
