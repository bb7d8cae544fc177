import { setTimeout as sleep } from "node:timers/promises";

import {
  create,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type StreamResponse, type Transport } from "@connectrpc/connect";

import { NianbaoError } from "./error.js";
import { requestIdOf, withRequestId } from "./request-id.js";
import { backoffMs, type RetryPolicy, type ServicePolicy } from "./service-config.js";

/** The metadata by which a caller says who it is. */
const PRINCIPAL = "nianbao-principal";

/** What headers are made of; Connect names a type of browsers, which Node's types lack. */
type HeadersGiven = ConstructorParameters<typeof Headers>[0];

/** What holds for every call of a client. */
export interface CallPolicy {
  readonly service: ServicePolicy;
  /** The deadline of a call of one answer in place of that of the service config; 0 for none. */
  readonly timeoutMs?: number | undefined;
  readonly principal?: string | undefined;
  /** Says when no more calls are made. */
  readonly closed?: AbortSignal | undefined;
}

/**
 * A transport whose calls have the deadlines and retries of a service config, request ids, the
 * principal, and the error of this package.
 *
 * It stands around the transport and not within it as an interceptor, since Connect starts the
 * clock of a call before its interceptors run: here every attempt gets what is left of the
 * deadline, and tells the server so.
 */
export function withPolicy(transport: Transport, policy: CallPolicy): Transport {
  const { closed } = policy;
  const headers = (given: HeadersGiven) => {
    const all = new Headers(given);
    if (policy.principal !== undefined && !all.has(PRINCIPAL)) {
      all.set(PRINCIPAL, policy.principal);
    }
    return all;
  };
  return {
    async unary(method, signal, timeoutMs, header, input, contextValues) {
      const { retry, timeoutMs: usual } = policy.service(method);
      // Made once: an attempt that is repeated is the same write.
      const message = withRequestId(method.input, create(method.input, input));
      const deadline = deadlineIn(timeoutMs ?? policy.timeoutMs ?? usual);
      const requestId = requestIdOf(message);
      return attempts({ retry, deadline, signal, requestId, closed }, (left) =>
        transport.unary(
          method,
          signal,
          left,
          headers(header as HeadersGiven),
          message,
          contextValues,
        ),
      );
    },

    async stream(method, signal, timeoutMs, header, input, contextValues) {
      const { retry, timeoutMs: usual } = policy.service(method);
      const deadline = deadlineIn(timeoutMs ?? usual);
      const open = (left: number, messages: AsyncIterable<MessageShape<typeof method.input>>) =>
        transport.stream(
          method,
          signal,
          left,
          headers(header as HeadersGiven),
          messages,
          contextValues,
        );
      const messages = identified(method.input, input);
      if (method.methodKind !== "server_streaming") {
        // What was read from the caller cannot be read again, so that nothing is tried twice.
        const once = { retry: undefined, deadline, signal, closed };
        return plainErrors(await attempts(once, (left) => open(left, messages)));
      }
      const kept = await all(messages);
      const { response, answers, answer } = await attempts(
        { retry, deadline, signal, closed },
        async (left) => {
          const response = await open(left, each(kept));
          const answers = response.message[Symbol.asyncIterator]();
          return { response, answers, answer: await answers.next() };
        },
      );
      return plainErrors({ ...response, message: resumed(answer, answers) });
    },
  };
}

interface Attempts {
  readonly retry: RetryPolicy | undefined;
  readonly deadline: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly requestId?: string | undefined;
  readonly closed: AbortSignal | undefined;
}

/** Calls until it succeeds, as often as the policy and the deadline let it. */
async function attempts<T>(
  { retry, deadline, signal, requestId, closed }: Attempts,
  call: (leftMs: number) => Promise<T>,
): Promise<T> {
  for (let failed = 1; ; failed += 1) {
    // Connect would open another connection, and nobody would close that.
    if (closed?.aborted === true) {
      throw new NianbaoError({
        code: Code.Canceled,
        message: "the client is closed",
        messageZh: "客户端已关闭",
        requestId,
      });
    }
    try {
      return await call(left(deadline));
    } catch (thrown) {
      const error = NianbaoError.from(thrown, requestId);
      if (retry === undefined || failed >= retry.maxAttempts || !retry.retryable.has(error.code)) {
        throw error;
      }
      const pause = backoffMs(retry, failed);
      // Whoever cannot be answered in time is told at once what has gone wrong.
      if (deadline !== undefined && Date.now() + pause >= deadline) {
        throw error;
      }
      try {
        await sleep(pause, undefined, signal === undefined ? {} : { signal });
      } catch (aborted) {
        throw NianbaoError.from(aborted, requestId);
      }
    }
  }
}

/** When the time is up; Connect has it that 0 or less means never. */
function deadlineIn(timeoutMs: number | undefined): number | undefined {
  return timeoutMs === undefined || timeoutMs <= 0 ? undefined : Date.now() + timeoutMs;
}

/** What is left; 0 tells Connect that there is no deadline. */
function left(deadline: number | undefined): number {
  if (deadline === undefined) {
    return 0;
  }
  const ms = deadline - Date.now();
  if (ms <= 0) {
    throw new ConnectError("the operation timed out", Code.DeadlineExceeded);
  }
  return ms;
}

async function* identified<I extends DescMessage>(
  schema: I,
  input: AsyncIterable<MessageInitShape<I>>,
): AsyncGenerator<MessageShape<I>, void> {
  for await (const message of input) {
    yield withRequestId(schema, create(schema, message));
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) {
    list.push(item);
  }
  return list;
}

// eslint-disable-next-line @typescript-eslint/require-await -- Connect takes what is asynchronous.
async function* each<T>(items: readonly T[]): AsyncGenerator<T, void> {
  yield* items;
}

/** The stream that begins with an answer which was read already. */
async function* resumed<T>(
  answer: IteratorResult<T, unknown>,
  answers: AsyncIterator<T>,
): AsyncGenerator<T, void> {
  for (let next = answer; next.done !== true; next = await answers.next()) {
    yield next.value;
  }
}

/** The response whose stream fails with errors of this package. */
function plainErrors<I extends DescMessage, O extends DescMessage>(
  response: StreamResponse<I, O>,
): StreamResponse<I, O> {
  async function* messages() {
    try {
      for await (const message of response.message) {
        yield message;
      }
    } catch (thrown) {
      throw NianbaoError.from(thrown);
    }
  }
  return { ...response, message: messages() };
}
