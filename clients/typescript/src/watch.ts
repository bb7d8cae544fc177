import { setTimeout as sleep } from "node:timers/promises";

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, Code } from "@connectrpc/connect";

import { NianbaoError } from "./error.js";
import type {
  ReportService,
  WatchChangesRequestSchema,
  WatchChangesResponse,
} from "./gen/index.js";
import { backoffMs } from "./service-config.js";

/** How long to wait before a lost watch is taken up again; once begun it is tried without end. */
const BACKOFF = { initialBackoffMs: 200, maxBackoffMs: 10_000, backoffMultiplier: 2 };

/** What to watch. */
export type WatchOptions = Omit<
  MessageInitShape<typeof WatchChangesRequestSchema>,
  "$typeName" | "$unknown"
> & {
  /** Ends the watch, without an error. */
  readonly signal?: AbortSignal | undefined;
};

/**
 * Yields changes and heartbeats, and goes on from the last position where the connection is lost or
 * the server stops. What the server refuses is thrown, and so is that there is no server to begin
 * with; a connection that is lost later never is.
 */
export async function* watch(
  reports: Pick<Client<typeof ReportService>, "watchChanges">,
  { signal, ...request }: WatchOptions,
): AsyncGenerator<WatchChangesResponse, void> {
  const hangUp = new AbortController();
  const under = signal === undefined ? hangUp.signal : AbortSignal.any([hangUp.signal, signal]);
  let from = request;
  let begun = false;
  let failed = 0;
  try {
    for (;;) {
      try {
        for await (const message of reports.watchChanges(from, { signal: under })) {
          failed = 0;
          begun = true;
          // Only now is there a position that a new call can go on from.
          from = { ...request, after: message.position, fromNow: false };
          yield message;
        }
      } catch (thrown) {
        const error = NianbaoError.from(thrown);
        // With a reason the server itself has spoken, such as of a position that it does not have.
        if (!begun || error.code !== Code.Unavailable || error.reason !== undefined) {
          throw error;
        }
      }
      failed += 1;
      await pause(backoffMs(BACKOFF, failed), under);
    }
  } catch (thrown) {
    // Whoever ends the watch wants no error for it.
    if (signal?.aborted !== true) {
      throw thrown;
    }
  } finally {
    hangUp.abort();
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (aborted) {
    throw NianbaoError.from(aborted);
  }
}
