import assert from "node:assert/strict";
import test from "node:test";

import { Code, ConnectError } from "@connectrpc/connect";

import { catalogue, ruleIdOf, ruleWord } from "../../src/catalogue.js";
import { codeName, codeOf } from "../../src/code.js";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
  PreconditionFailureSchema,
} from "../../src/gen/google/rpc/error_details_pb.js";
import { ErrorReason, NianbaoError } from "../../src/index.js";

function refusal(reason: string, domain = "nianbao.v1", metadata = {}): ConnectError {
  return new ConnectError("the report has errors", Code.InvalidArgument, undefined, [
    { desc: ErrorInfoSchema, value: { reason, domain, metadata } },
    { desc: LocalizedMessageSchema, value: { locale: "zh-CN", message: "报告有错误" } },
    {
      desc: BadRequestSchema,
      value: {
        fieldViolations: [
          {
            field: "requests.total_processed.total",
            description: "the sum is wrong",
            reason: "REQUESTS_TOTAL_PROCESSED_TOTAL",
            localizedMessage: { locale: "zh-CN", message: "表三：合计不符" },
          },
        ],
      },
    },
    {
      desc: PreconditionFailureSchema,
      value: { violations: [{ type: "T", subject: "organs/a", description: "is closed" }] },
    },
  ]);
}

test("a refusal of the server is read with all that it says", () => {
  const metadata = { errors: "3", truncated: "true" };
  const sent = refusal("REPORT_HAS_ERRORS", "nianbao.v1", metadata);
  const error = NianbaoError.from(sent, "an-id");
  assert.ok(error instanceof Error);
  assert.equal(error.code, Code.InvalidArgument);
  assert.equal(error.reason, ErrorReason.REPORT_HAS_ERRORS);
  assert.equal(error.reasonText, "REPORT_HAS_ERRORS");
  assert.deepEqual({ ...error.metadata }, metadata);
  assert.equal(error.message, "the report has errors");
  assert.equal(error.messageZh, "报告有错误");
  assert.deepEqual(error.violations, [
    {
      ruleId: "requests.total_processed.total",
      fieldPath: "requests.total_processed.total",
      description: "the sum is wrong",
      messageZh: "表三：合计不符",
    },
  ]);
  assert.deepEqual(error.preconditions, [
    { type: "T", subject: "organs/a", description: "is closed" },
  ]);
  assert.equal(error.truncated, true);
  assert.equal(error.requestId, "an-id");
  assert.equal(error.cause, sent);
});

test("a reason of a later server is kept as text, one of another domain is not ours", () => {
  assert.equal(NianbaoError.from(refusal("OF_TOMORROW")).reason, "OF_TOMORROW");
  assert.equal(NianbaoError.from(refusal("REPORT_HAS_ERRORS", "other")).reason, undefined);
});

test("the text says everything, in Chinese or in English", () => {
  const error = NianbaoError.from(
    refusal("REPORT_HAS_ERRORS", "nianbao.v1", { truncated: "true" }),
  );
  assert.equal(
    error.text(),
    [
      "报告有错误 [INVALID_ARGUMENT REPORT_HAS_ERRORS]",
      "- 表三：合计不符 (requests.total_processed.total requests.total_processed.total)",
      "- organs/a: is closed",
      "- ……其余从略",
    ].join("\n"),
  );
  assert.match(error.text("en"), /^the report has errors \[INVALID_ARGUMENT REPORT_HAS_ERRORS\]\n/);
  assert.match(error.text("en"), /- the sum is wrong \(/);
});

test("each rule of the schema is found again under the word of an error", () => {
  const ids = [...catalogue().keys()];
  assert.ok(ids.length > 100);
  for (const id of ids) {
    assert.equal(ruleIdOf(ruleWord(id)), id);
  }
  assert.equal(ruleIdOf("FILTER_INVALID"), "FILTER_INVALID");
});

test("an error that is ours already stays as it is", () => {
  const error = NianbaoError.invalid("no", "不");
  assert.equal(NianbaoError.from(error), error);
});

test("what breaks a connection is UNAVAILABLE, whatever Connect calls it", () => {
  const node = (code: string) => Object.assign(new Error(code), { code });
  const lost = [
    new ConnectError("http/2 stream closed with error code CANCEL (0x8)", Code.Canceled),
    new ConnectError("protocol error: missing status", Code.Internal),
    new ConnectError("x", Code.Aborted, undefined, undefined, node("ECONNRESET")),
    new ConnectError("x", Code.Internal, undefined, undefined, node("ERR_HTTP2_STREAM_ERROR")),
    new ConnectError("x", Code.Internal, undefined, undefined, node("DEPTH_ZERO_SELF_SIGNED_CERT")),
  ];
  for (const error of lost) {
    assert.equal(NianbaoError.from(error).code, Code.Unavailable, error.message);
    assert.equal(NianbaoError.from(error).messageZh, "无法连接服务器");
  }
  const said = [
    new ConnectError("the caller went away", Code.Canceled),
    new ConnectError("a fault of the server", Code.Internal),
    new ConnectError("x", Code.Internal, undefined, undefined, node("ENOENT")),
    new ConnectError("x", Code.DeadlineExceeded, undefined, undefined, node("ECONNRESET")),
  ];
  for (const error of said) {
    assert.equal(NianbaoError.from(error).code, error.code, error.message);
  }
});

test("codes have the names that gRPC gives them", () => {
  assert.equal(codeName(Code.Canceled), "CANCELLED");
  assert.equal(codeName(Code.DeadlineExceeded), "DEADLINE_EXCEEDED");
  assert.equal(codeOf("INVALID_ARGUMENT"), Code.InvalidArgument);
  assert.equal(codeOf("CANCELED"), undefined);
});
