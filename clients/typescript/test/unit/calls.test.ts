import assert from "node:assert/strict";
import test from "node:test";

import { type ConnectRouter, ConnectError } from "@connectrpc/connect";

import {
  Code,
  connect,
  type ConnectOptions,
  create,
  MoveOrganRequestSchema,
  NianbaoError,
  OrganService,
  ReportService,
} from "../../src/index.js";
import { quickRetries, Stub } from "../support/stub.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const RETRIED = quickRetries([
  { service: "nianbao.v1.OrganService" },
  { service: "nianbao.v1.ReportService" },
]);

/** A call that failed with one of the codes. */
function failure(...codes: Code[]) {
  return (error: unknown) => error instanceof NianbaoError && codes.includes(error.code);
}

async function served(routes: (router: ConnectRouter) => void, options?: Partial<ConnectOptions>) {
  const stub = await Stub.start(routes);
  const client = connect(stub.address, {
    security: "plaintext",
    serviceConfig: RETRIED,
    ...options,
  });
  return {
    client,
    stub,
    async [Symbol.asyncDispose]() {
      client.close();
      await stub[Symbol.asyncDispose]();
    },
  };
}

test("a write is tried again under one request id, set in a copy of the message", async () => {
  const ids: string[] = [];
  await using at = await served((router) => {
    router.rpc(OrganService.method.moveOrgan, ({ requestId }) => {
      ids.push(requestId);
      if (ids.length < 3) {
        throw new ConnectError("later", Code.Unavailable);
      }
      return {};
    });
  });
  const request = create(MoveOrganRequestSchema, { name: "organs/a", fromYear: 2020 });
  await at.client.organs.moveOrgan(request);
  assert.equal(ids.length, 3);
  assert.match(ids[0] ?? "", UUID);
  assert.deepEqual(new Set(ids).size, 1);
  assert.equal(request.requestId, "");
});

test("a request id of the caller is kept, and a check without a write gets none", async () => {
  const ids: string[] = [];
  await using at = await served((router) => {
    router.rpc(OrganService.method.moveOrgan, ({ requestId }) => {
      ids.push(requestId);
      return {};
    });
  });
  await at.client.organs.moveOrgan({ requestId: "mine" });
  await at.client.organs.moveOrgan({ validateOnly: true });
  assert.deepEqual(ids, ["mine", ""]);
});

test("the header of an import gets a request id too", async () => {
  let id = "";
  await using at = await served((router) => {
    router.rpc(OrganService.method.importOrgans, async (messages) => {
      for await (const { content } of messages) {
        id = content.case === "header" ? content.value.requestId : id;
      }
      return {};
    });
  });
  await at.client.importOrgans(Buffer.from("organ_id,display_name\n"));
  assert.match(id, UUID);
});

test("a call is tried as often as the policy says, and no more", async () => {
  let calls = 0;
  await using at = await served((router) => {
    router.rpc(OrganService.method.getOrgan, () => {
      calls += 1;
      throw new ConnectError("down", Code.Unavailable);
    });
  });
  await assert.rejects(at.client.organs.getOrgan({}), failure(Code.Unavailable));
  assert.equal(calls, 4);
});

test("what the policy does not name is never tried again", async () => {
  let calls = 0;
  await using at = await served((router) => {
    router.rpc(OrganService.method.getOrgan, () => {
      calls += 1;
      throw new ConnectError("busy", Code.ResourceExhausted);
    });
  });
  await assert.rejects(at.client.organs.getOrgan({}), failure(Code.ResourceExhausted));
  assert.equal(calls, 1);
});

test("without a policy for a method nothing is tried again", async () => {
  let calls = 0;
  const serviceConfig = quickRetries([{ service: "nianbao.v1.ReportService" }]);
  await using at = await served(
    (router) => {
      router.rpc(OrganService.method.getOrgan, () => {
        calls += 1;
        throw new ConnectError("down", Code.Unavailable);
      });
    },
    { serviceConfig },
  );
  await assert.rejects(at.client.organs.getOrgan({}), failure(Code.Unavailable));
  assert.equal(calls, 1);
});

test("a stream of answers is tried again before its first message, and not after it", async () => {
  let calls = 0;
  await using at = await served((router) => {
    router.rpc(ReportService.method.watchChanges, async function* () {
      calls += 1;
      await Promise.resolve();
      if (calls < 3) {
        throw new ConnectError("later", Code.Unavailable);
      }
      yield { position: "1" };
      throw new ConnectError("lost", Code.Unavailable);
    });
  });
  const seen: string[] = [];
  await assert.rejects(async () => {
    for await (const { position } of at.client.reports.watchChanges({})) {
      seen.push(position);
    }
  }, failure(Code.Unavailable));
  assert.deepEqual([calls, seen], [3, ["1"]]);
});

test("a stream of requests is never tried again, since it cannot be read twice", async () => {
  let calls = 0;
  await using at = await served((router) => {
    // eslint-disable-next-line require-yield, @typescript-eslint/require-await -- It only fails.
    router.rpc(ReportService.method.submitReports, async function* () {
      calls += 1;
      throw new ConnectError("down", Code.Unavailable);
    });
  });
  await assert.rejects(at.client.submitAll([]).next(), failure(Code.Unavailable));
  assert.equal(calls, 1);
});

test("a deadline holds over all attempts, and each tells the server what is left", async () => {
  const left: number[] = [];
  await using at = await served(
    (router) => {
      router.rpc(OrganService.method.getOrgan, (_, { timeoutMs }) => {
        left.push(timeoutMs() ?? Number.NaN);
        throw new ConnectError("down", Code.Unavailable);
      });
    },
    {
      serviceConfig: {
        methodConfig: [
          {
            name: [{}],
            timeout: "0.3s",
            retryPolicy: {
              maxAttempts: 100,
              initialBackoff: "0.05s",
              maxBackoff: "0.05s",
              backoffMultiplier: 1,
              retryableStatusCodes: ["UNAVAILABLE"],
            },
          },
        ],
      },
    },
  );
  const call = at.client.organs.getOrgan({});
  // Which of both it is depends on where the time is up: between two attempts or within one.
  await assert.rejects(call, failure(Code.Unavailable, Code.DeadlineExceeded));
  assert.ok(left.length > 1 && left.length < 10, `${left.length} attempts of 100`);
  assert.ok((left.at(-1) ?? 0) < (left[0] ?? 0), "the time left shrinks");
  assert.ok((left[0] ?? 0) <= 300);
});

test("a call that is not answered in time ends with DEADLINE_EXCEEDED", async () => {
  await using at = await served((router) => {
    router.rpc(
      OrganService.method.getOrgan,
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reject(new Error("over"));
          });
        }),
    );
  });
  const call = at.client.organs.getOrgan({}, { timeoutMs: 50 });
  await assert.rejects(call, failure(Code.DeadlineExceeded));
});

test("an abort ends a call that waits to be tried again", async () => {
  const options = {
    serviceConfig: {
      methodConfig: [
        {
          name: [{}],
          retryPolicy: {
            maxAttempts: 5,
            initialBackoff: "30s",
            maxBackoff: "30s",
            backoffMultiplier: 1,
            retryableStatusCodes: ["UNAVAILABLE"],
          },
        },
      ],
    },
  };
  await using at = await served((router) => {
    router.rpc(OrganService.method.getOrgan, () => {
      throw new ConnectError("down", Code.Unavailable);
    });
  }, options);
  const call = at.client.organs.getOrgan({}, { signal: AbortSignal.timeout(100) });
  await assert.rejects(call, (error) => error instanceof NianbaoError);
});

test("the principal travels with each call", async () => {
  let principal: string | null = null;
  await using at = await served(
    (router) => {
      router.rpc(OrganService.method.getOrgan, (_, { requestHeader }) => {
        principal = requestHeader.get("nianbao-principal");
        return {};
      });
    },
    { principal: "zhang" },
  );
  await at.client.organs.getOrgan({});
  assert.equal(principal, "zhang");
});

test("a call whose connection breaks is tried again on a new one", async () => {
  let calls = 0;
  await using at = await served((router) => {
    router.rpc(OrganService.method.getOrgan, async () => {
      calls += 1;
      if (calls === 1) {
        at.stub.breakConnections();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return { name: "organs/a" };
    });
  });
  assert.equal((await at.client.organs.getOrgan({})).name, "organs/a");
  assert.equal(calls, 2);
});

test("a list asks for its next page only when it is wanted", async () => {
  const tokens: string[] = [];
  await using at = await served((router) => {
    router.rpc(ReportService.method.listReports, ({ pageToken, filter }) => {
      tokens.push(`${pageToken} ${filter}`);
      const page = tokens.length;
      return { reports: [{ year: 2020 + page }], nextPageToken: page < 3 ? String(page) : "" };
    });
  });
  const list = at.client.list({ filter: "late = true" });
  assert.deepEqual(tokens, []);
  assert.equal((await list.next()).value?.year, 2021);
  assert.deepEqual(tokens, [" late = true"]);
  const rest: number[] = [];
  for await (const { year } of list) {
    rest.push(year);
  }
  assert.deepEqual(rest, [2022, 2023]);
  assert.deepEqual(tokens, [" late = true", "1 late = true", "2 late = true"]);
});
