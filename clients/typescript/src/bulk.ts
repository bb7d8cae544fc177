import { create, toBinary } from "@bufbuild/protobuf";
import { type Client, Code } from "@connectrpc/connect";

import { NianbaoError } from "./error.js";
import {
  ErrorReason,
  type Finding,
  type FindingCounts,
  type Receipt,
  type Report,
  type ReportService,
  type SubmitReportRequest,
  SubmitReportsRequestSchema,
  type SubmitReportsResponse,
} from "./gen/index.js";
import { contentRequestId } from "./request-id.js";
import { type ReportOptions, submissionOf } from "./submission.js";

/** What a server takes as one message; a larger one would end the stream for all after it. */
const MESSAGE_BYTES_MAX = 4 << 20;

/** One item of a stream: a report, or a report with how it is submitted. */
export type BulkItem = Report | (ReportOptions & { readonly report: Report });

/** What became of one item. */
export interface BulkResult<Item> {
  /** The place of the item, from 0. */
  readonly index: number;
  readonly item: Item;
  /** The request id under which it was sent; empty where nothing was, and with `validateOnly`. */
  readonly requestId: string;
  /** The report as stored, without its parts; absent where it was refused. */
  readonly report?: Report;
  /** Those that the report keeps, or those for which it was refused. */
  readonly findings: readonly Finding[];
  readonly counts?: FindingCounts;
  readonly receipt?: Receipt;
  /** Why the item was refused; absent where it was taken. */
  readonly refusal?: NianbaoError;
}

/** How a stream of reports is submitted. What an item states counts before it. */
export interface BulkOptions extends Omit<ReportOptions, "etag" | "requestId" | "explanations"> {
  readonly signal?: AbortSignal | undefined;
}

/** An item on its way: sent under that id, or refused before it was. */
interface Sent<Item> {
  readonly item: Item;
  readonly requestId: string;
  readonly refusal?: NianbaoError;
}

/** Submits items as one stream and yields what became of each, in their order. */
export async function* submitAll<Item extends BulkItem>(
  reports: Pick<Client<typeof ReportService>, "submitReports">,
  items: Iterable<Item> | AsyncIterable<Item>,
  { signal, ...common }: BulkOptions,
): AsyncGenerator<BulkResult<Item>, void> {
  const hangUp = new AbortController();
  const under = signal === undefined ? hangUp.signal : AbortSignal.any([hangUp.signal, signal]);
  const waiting: Sent<Item>[] = [];
  let index = 0;
  let failed: { readonly reason: unknown } | undefined;
  const sending = { over: false };

  /**
   * The items. What their own iterable throws ends the stream in order, and is thrown when all that
   * was sent has been answered: an error of the stream would hide the answers.
   */
  async function* given() {
    try {
      yield* items;
    } catch (reason) {
      failed = { reason };
    }
  }
  async function* requests() {
    // Not `yield*`: what ends this stream must not look like a fault of the caller's iterable.
    for await (const item of given()) {
      const submission = prepare(item, common);
      if (submission instanceof NianbaoError) {
        waiting.push({ item, requestId: "", refusal: submission });
      } else {
        waiting.push({ item, requestId: submission.requestId });
        yield create(SubmitReportsRequestSchema, { submission });
      }
    }
    sending.over = true;
  }
  /** Those at the head of the queue that were never sent. */
  function* unsent(): Generator<BulkResult<Item>> {
    for (let head = waiting[0]; head?.refusal !== undefined; head = waiting[0]) {
      waiting.shift();
      const { item, requestId, refusal } = head;
      yield { index, item, requestId, refusal, findings: refusal.findings };
      index += 1;
    }
  }

  try {
    for await (const answer of reports.submitReports(requests(), { signal: under })) {
      yield* unsent();
      const sent = waiting.shift();
      if (sent === undefined) {
        throw new NianbaoError({ code: Code.Internal, message: "an answer to no item" });
      }
      yield resultOf(index, sent, answer);
      index += 1;
    }
    yield* unsent();
    if (waiting.length > 0 || !sending.over) {
      throw new NianbaoError({
        code: Code.Unavailable,
        message: "the server ended the stream before all items were answered: run it again",
        messageZh: "服务器在答复全部报告之前结束了传输：请重新运行",
      });
    }
    if (failed !== undefined) {
      throw failed.reason;
    }
  } finally {
    hangUp.abort();
  }
}

function prepare(item: BulkItem, common: ReportOptions): SubmitReportRequest | NianbaoError {
  const { report, ...own } = "$typeName" in item ? { report: item } : item;
  try {
    const submission = submissionOf(report, { ...common, ...own });
    if (submission.requestId === "" && !submission.validateOnly) {
      submission.requestId = contentRequestId(submission);
    }
    const bytes = toBinary(
      SubmitReportsRequestSchema,
      create(SubmitReportsRequestSchema, { submission }),
    ).length;
    return bytes > MESSAGE_BYTES_MAX ? tooLarge(bytes) : submission;
  } catch (thrown) {
    return NianbaoError.from(thrown);
  }
}

function tooLarge(bytes: number): NianbaoError {
  return NianbaoError.invalid(
    `the report of ${bytes} bytes is larger than a message may be`,
    `报告有 ${bytes} 字节，超过单个消息的上限`,
    { reason: ErrorReason[ErrorReason.REPORT_TOO_LARGE] },
  );
}

function resultOf<Item>(
  index: number,
  { item, requestId }: Sent<Item>,
  { report, findings, counts, receipt, refusal }: SubmitReportsResponse,
): BulkResult<Item> {
  return {
    index,
    item,
    requestId,
    findings,
    ...(report === undefined ? {} : { report }),
    ...(counts === undefined ? {} : { counts }),
    ...(receipt === undefined ? {} : { receipt }),
    ...(refusal === undefined
      ? {}
      : { refusal: NianbaoError.ofRefusal(refusal, findings, requestId) }),
  };
}
