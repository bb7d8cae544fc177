import type { DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";

import { codeOf } from "./code.js";
import { NianbaoError } from "./error.js";

/** When and how often a call is tried again. */
export interface RetryPolicy {
  /** How often it is tried in all, the first time included. */
  readonly maxAttempts: number;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly backoffMultiplier: number;
  /** What may be tried again. */
  readonly retryable: ReadonlySet<Code>;
}

/** What a service config says of one method. */
export interface MethodPolicy {
  /** The deadline where the caller states none. */
  readonly timeoutMs?: number;
  readonly retry?: RetryPolicy;
}

/** Says of a method what a service config says of it. */
export type ServicePolicy = (method: DescMethod) => MethodPolicy;

/**
 * Reads a gRPC service config: names, timeouts and retry policies. A more exact name wins, as gRPC
 * has it: the method, then its service, then `{}`.
 *
 * @throws NianbaoError with `INVALID_ARGUMENT` that says where the config is malformed.
 */
export function readServiceConfig(config: unknown): ServicePolicy {
  const policies = new Map<string, MethodPolicy>();
  list(object(config, "the service config")["methodConfig"], "methodConfig").forEach(
    (entry, index) => {
      const at = `methodConfig[${index}]`;
      const fields = object(entry, at);
      const policy = methodPolicy(fields, at);
      list(fields["name"], `${at}.name`).forEach((name, place) => {
        const { service = "", method = "" } = object(name, `${at}.name[${place}]`);
        policies.set(
          `${text(service, `${at}.name.service`)}/${text(method, `${at}.name.method`)}`,
          policy,
        );
      });
    },
  );
  const none: MethodPolicy = {};
  return ({ parent, name }) =>
    policies.get(`${parent.typeName}/${name}`) ??
    policies.get(`${parent.typeName}/`) ??
    policies.get("/") ??
    none;
}

/**
 * How long to wait before the next attempt, as gRPC proposal A6 has it: exponential, up to a bound,
 * and spread by a fifth to both sides, so that clients which failed together do not return so.
 *
 * @param failed How many attempts have failed so far, 1 or more.
 * @param random A number from 0 to 1.
 */
export function backoffMs(
  policy: Pick<RetryPolicy, "initialBackoffMs" | "maxBackoffMs" | "backoffMultiplier">,
  failed: number,
  random = Math.random(),
): number {
  const exponential = policy.initialBackoffMs * policy.backoffMultiplier ** (failed - 1);
  return Math.min(exponential, policy.maxBackoffMs) * (0.8 + 0.4 * random);
}

function methodPolicy(fields: Record<string, unknown>, at: string): MethodPolicy {
  const { timeout, retryPolicy } = fields;
  return {
    ...(timeout === undefined ? {} : { timeoutMs: duration(timeout, `${at}.timeout`) }),
    ...(retryPolicy === undefined ? {} : { retry: readRetry(retryPolicy, `${at}.retryPolicy`) }),
  };
}

function readRetry(value: unknown, at: string): RetryPolicy {
  const fields = object(value, at);
  const codes = list(fields["retryableStatusCodes"], `${at}.retryableStatusCodes`);
  return {
    maxAttempts: number(fields["maxAttempts"], `${at}.maxAttempts`),
    initialBackoffMs: duration(fields["initialBackoff"], `${at}.initialBackoff`),
    maxBackoffMs: duration(fields["maxBackoff"], `${at}.maxBackoff`),
    backoffMultiplier: number(fields["backoffMultiplier"], `${at}.backoffMultiplier`),
    retryable: new Set(codes.map((code) => statusCode(code, `${at}.retryableStatusCodes`))),
  };
}

function statusCode(value: unknown, at: string): Code {
  return codeOf(text(value, at)) ?? malformed(at, "the name of a gRPC status code", value);
}

/** A duration as proto JSON writes it, such as `0.2s`. */
function duration(value: unknown, at: string): number {
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(text(value, at))?.[1];
  return seconds === undefined ? malformed(at, "a duration", value) : Number(seconds) * 1000;
}

function object(value: unknown, at: string): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : malformed(at, "an object", value);
}

function list(value: unknown, at: string): readonly unknown[] {
  return Array.isArray(value) ? value : malformed(at, "a list", value);
}

function text(value: unknown, at: string): string {
  return typeof value === "string" ? value : malformed(at, "a text", value);
}

function number(value: unknown, at: string): number {
  return typeof value === "number" && value > 0 ? value : malformed(at, "a number above 0", value);
}

function malformed(at: string, wanted: string, found: unknown): never {
  throw NianbaoError.invalid(
    `service config: ${at} is not ${wanted}: ${JSON.stringify(found ?? null)}`,
    `服务配置不合规定：${at}`,
  );
}
