import assert from "node:assert/strict";
import test from "node:test";

import {
  AdminService,
  AggregateService,
  Code,
  DocumentService,
  FormatService,
  NianbaoError,
  OrganService,
  ReportService,
} from "../../src/index.js";
import { publishedServiceConfig } from "../../src/gen/service_config.js";
import { backoffMs, readServiceConfig } from "../../src/service-config.js";

const SERVICES = [
  AdminService,
  AggregateService,
  DocumentService,
  FormatService,
  OrganService,
  ReportService,
];

test("the published config is read as it stands", () => {
  const policy = readServiceConfig(publishedServiceConfig);
  assert.deepEqual(policy(ReportService.method.submitReport), {
    timeoutMs: 60_000,
    retry: {
      maxAttempts: 4,
      initialBackoffMs: 200,
      maxBackoffMs: 3000,
      backoffMultiplier: 2,
      retryable: new Set([Code.Unavailable]),
    },
  });
  assert.equal(policy(ReportService.method.watchChanges).timeoutMs, undefined);
  assert.deepEqual(policy(ReportService.method.submitReports), {});
});

test("the published config names every method of the schema, and no other", () => {
  const names = publishedServiceConfig.methodConfig.flatMap(({ name }) => [...name]);
  const named = names.map(({ service, method }) => `${service}/${method}`).sort();
  const known = SERVICES.flatMap(({ typeName, methods }) =>
    methods.map(({ name }) => `${typeName}/${name}`),
  );
  assert.deepEqual(named, known.sort());
});

test("the more exact name wins", () => {
  const entry = (timeout: string, name: object) => ({ name: [name], timeout });
  const policy = readServiceConfig({
    methodConfig: [
      entry("1s", {}),
      entry("2s", { service: "nianbao.v1.ReportService" }),
      entry("0.25s", { service: "nianbao.v1.ReportService", method: "GetReport" }),
    ],
  });
  assert.equal(policy(OrganService.method.getOrgan).timeoutMs, 1000);
  assert.equal(policy(ReportService.method.listReports).timeoutMs, 2000);
  assert.equal(policy(ReportService.method.getReport).timeoutMs, 250);
});

test("a malformed config is refused with the place of the fault", () => {
  const name = [{ service: "s" }];
  const [{ retryPolicy: retry }] = publishedServiceConfig.methodConfig;
  const cases: [unknown, RegExp][] = [
    [null, /the service config is not an object/],
    [{}, /methodConfig is not a list/],
    [{ methodConfig: [{ name, timeout: "1 min" }] }, /methodConfig\[0\]\.timeout/],
    [{ methodConfig: [{ name, retryPolicy: {} }] }, /retryPolicy\.retryableStatusCodes/],
    [
      { methodConfig: [{ name, retryPolicy: { ...retry, retryableStatusCodes: ["OFTEN"] } }] },
      /not the name of a gRPC status code: "OFTEN"/,
    ],
    [
      { methodConfig: [{ name, retryPolicy: { ...retry, maxAttempts: 0 } }] },
      /maxAttempts is not a number above 0/,
    ],
  ];
  for (const [config, said] of cases) {
    assert.throws(
      () => readServiceConfig(config),
      (error) => error instanceof NianbaoError && said.test(error.message),
    );
  }
});

test("backoff grows to its bound and is spread by a fifth", () => {
  const policy = { initialBackoffMs: 200, maxBackoffMs: 3000, backoffMultiplier: 2 };
  const middle = [1, 2, 3, 4, 5, 6].map((failed) => Math.round(backoffMs(policy, failed, 0.5)));
  assert.deepEqual(middle, [200, 400, 800, 1600, 3000, 3000]);
  assert.equal(Math.round(backoffMs(policy, 1, 0)), 160);
  assert.equal(Math.round(backoffMs(policy, 1, 1)), 240);
});
