import assert from "node:assert/strict";
import test from "node:test";

import { ConnectError, type ConnectRouter } from "@connectrpc/connect";

import { Code, connect, ErrorReason, NianbaoError, ReportService } from "../../src/index.js";
import { example, wrong } from "../support/reports.js";
import { quickRetries, Stub } from "../support/stub.js";

async function served(routes: (router: ConnectRouter) => void) {
  const stub = await Stub.start(routes);
  const serviceConfig = quickRetries([{ service: "nianbao.v1.ReportService" }]);
  const client = connect(stub.address, { security: "plaintext", serviceConfig });
  return {
    client,
    stub,
    async [Symbol.asyncDispose]() {
      client.close();
      await stub[Symbol.asyncDispose]();
    },
  };
}

/** Answers each item with the year of its report; refuses those of 2022. */
function taking(router: ConnectRouter): void {
  router.rpc(ReportService.method.submitReports, async function* (messages) {
    let index = 0n;
    for await (const { submission } of messages) {
      const year = submission?.report?.year ?? 0;
      const refusal = {
        code: Code.InvalidArgument,
        reason: "REPORT_STATE",
        messageEn: "no",
        messageZh: "不",
      };
      yield year === 2022 ? { index, refusal } : { index, report: { year } };
      index += 1n;
    }
  });
}

function ofYear(year: number) {
  return { ...example(), year };
}

test("results come in the order of the items, those that were never sent among them", async () => {
  await using at = await served(taking);
  const items = [
    { report: wrong(), check: true },
    ofYear(2023),
    { report: wrong(), check: true, file: "b.json" },
    { report: ofYear(2022), file: "c.json" },
    ofYear(2024),
    { report: wrong(), check: true },
  ];
  const results = [];
  for await (const result of at.client.submitAll(items)) {
    results.push(result);
  }
  const seen = results.map(({ index, report, refusal }) => [index, report?.year, refusal?.reason]);
  assert.deepEqual(seen, [
    [0, undefined, ErrorReason.REPORT_HAS_ERRORS],
    [1, 2023, undefined],
    [2, undefined, ErrorReason.REPORT_HAS_ERRORS],
    [3, undefined, ErrorReason.REPORT_STATE],
    [4, 2024, undefined],
    [5, undefined, ErrorReason.REPORT_HAS_ERRORS],
  ]);
  assert.deepEqual(
    results.map(({ item }) => item),
    items,
  );
  assert.match(results[1]?.requestId ?? "", /^[0-9a-f]{64}$/);
  assert.equal(results[3]?.refusal?.requestId, results[3]?.requestId);
});

test("an item that is larger than a message is refused and does not end the stream", async () => {
  await using at = await served(taking);
  const results = [];
  for await (const result of at.client.submitAll([
    { ...ofYear(2023), title: "x".repeat(5 << 20) },
    ofYear(2024),
  ])) {
    results.push(result);
  }
  assert.equal(results[0]?.refusal?.reason, ErrorReason.REPORT_TOO_LARGE);
  assert.equal(results[1]?.report?.year, 2024);
});

test("what the caller's own iterable throws comes back as it is", async () => {
  await using at = await served(taking);
  // eslint-disable-next-line @typescript-eslint/require-await -- A caller's may wait.
  async function* items() {
    yield ofYear(2023);
    throw new RangeError("of the caller");
  }
  await assert.rejects(async () => {
    for await (const result of at.client.submitAll(items())) {
      assert.equal(result.index, 0);
    }
  }, RangeError);
});

test("what was answered before the caller's iterable failed is told first", async () => {
  await using at = await served(taking);
  // eslint-disable-next-line @typescript-eslint/require-await -- A caller's may wait.
  async function* items() {
    yield* [ofYear(2021), ofYear(2022), ofYear(2023)];
    throw new RangeError("of the caller");
  }
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const { index } of at.client.submitAll(items())) {
      seen.push(index);
    }
  }, RangeError);
  assert.deepEqual(seen, [0, 1, 2]);
});

test("a stream that ends before all items are answered is an error", async () => {
  await using at = await served((router) => {
    router.rpc(ReportService.method.submitReports, async function* (messages) {
      for await (const { submission } of messages) {
        yield { report: { year: submission?.report?.year ?? 0 } };
        return;
      }
    });
  });
  let answered = 0;
  await assert.rejects(
    async () => {
      for await (const result of at.client.submitAll([ofYear(2021), ofYear(2022)])) {
        assert.equal(result.index, answered);
        answered += 1;
      }
    },
    (error) =>
      error instanceof NianbaoError &&
      error.code === Code.Unavailable &&
      error.message.includes("run it again"),
  );
  assert.equal(answered, 1);
});

test("a stream that breaks is our error, and the caller's iterable is ended", async () => {
  await using at = await served((router) => {
    router.rpc(ReportService.method.submitReports, async function* (messages) {
      for await (const { submission } of messages) {
        yield { report: { year: submission?.report?.year ?? 0 } };
        throw new ConnectError("down", Code.Unavailable);
      }
    });
  });
  let ended = false;
  async function* items() {
    try {
      for (;;) {
        yield ofYear(2023);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } finally {
      ended = true;
    }
  }
  await assert.rejects(
    async () => {
      for await (const result of at.client.submitAll(items())) {
        assert.equal(result.report?.year, 2023);
      }
    },
    (error) => error instanceof NianbaoError && error.code === Code.Unavailable,
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(ended, true);
});

test("a watch goes on from its last position when its stream ends or is lost", async () => {
  const asked: string[] = [];
  await using at = await served((router) => {
    router.rpc(ReportService.method.watchChanges, async function* ({ after, fromNow, organ }) {
      asked.push(`${after} ${fromNow} ${organ}`);
      yield { position: String(asked.length) };
      if (asked.length === 1) {
        at.stub.breakConnections();
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    });
  });
  const stop = new AbortController();
  const seen: string[] = [];
  const options = { organ: "organs/a", fromNow: true, signal: stop.signal };
  for await (const { position } of at.client.watch(options)) {
    seen.push(position);
    if (position === "3") {
      stop.abort();
    }
  }
  assert.deepEqual(seen, ["1", "2", "3"]);
  assert.deepEqual(asked, [" true organs/a", "1 false organs/a", "2 false organs/a"]);
});

test("what the server refuses ends a watch with that error", async () => {
  await using at = await served((router) => {
    // eslint-disable-next-line require-yield, @typescript-eslint/require-await -- It only fails.
    router.rpc(ReportService.method.watchChanges, async function* () {
      throw new ConnectError("malformed", Code.InvalidArgument);
    });
  });
  await assert.rejects(
    at.client.watch({ after: "?" }).next(),
    (error) => error instanceof NianbaoError && error.code === Code.InvalidArgument,
  );
});

test("a watch that finds no server says so", async () => {
  const stub = await Stub.start(() => undefined);
  const { address } = stub;
  await stub[Symbol.asyncDispose]();
  const serviceConfig = quickRetries([{ service: "nianbao.v1.ReportService" }]);
  using client = connect(address, { security: "plaintext", serviceConfig });
  await assert.rejects(
    client.watch().next(),
    (error) => error instanceof NianbaoError && error.code === Code.Unavailable,
  );
});

test("a client that is closed makes no more calls, and its watches end", async () => {
  let opened = 0;
  await using at = await served((router) => {
    router.rpc(ReportService.method.watchChanges, async function* (_, { signal }) {
      opened += 1;
      yield { position: "1" };
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
      });
    });
  });
  const isClosed = (error: unknown) =>
    error instanceof NianbaoError && error.code === Code.Canceled;
  await assert.rejects(async () => {
    for await (const { position } of at.client.watch()) {
      assert.equal(position, "1");
      at.client.close();
    }
  }, isClosed);
  assert.equal(opened, 1);
  await assert.rejects(at.client.get("organs/a/reports/2023-own"), isClosed);
});

test("leaving a watch ends its stream on the server", async () => {
  let over = false;
  await using at = await served((router) => {
    router.rpc(ReportService.method.watchChanges, async function* (_, { signal }) {
      yield { position: "1" };
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
      });
      over = true;
    });
  });
  for await (const { position } of at.client.watch()) {
    assert.equal(position, "1");
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(over, true);
});
