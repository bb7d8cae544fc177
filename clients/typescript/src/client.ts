import { basename } from "node:path";
import { fileURLToPath } from "node:url";

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type CallOptions, type Client, createClient, type Transport } from "@connectrpc/connect";

import { type BulkItem, type BulkOptions, type BulkResult, submitAll } from "./bulk.js";
import { validateOffline } from "./findings.js";
import {
  AdminService,
  type Aggregate,
  type AggregateReportsRequestSchema,
  AggregateService,
  type DocumentHeaderSchema,
  DocumentService,
  type Finding,
  FormatService,
  type GetReportRequestSchema,
  type ImportOrgansHeaderSchema,
  type ImportOrgansResponse,
  type ListReportsRequestSchema,
  OrganService,
  type ParseDocumentResponse,
  type Report,
  ReportService,
  type SubmitReportResponse,
  type WatchChangesResponse,
} from "./gen/index.js";
import { readBytes } from "./json.js";
import { pages } from "./pages.js";
import { type DraftOptions, type ReportOptions, submissionOf } from "./submission.js";
import { watch, type WatchOptions } from "./watch.js";

/** Bytes in one message of an upload; the schema lets a chunk have four times as many. */
const CHUNK_BYTES = 256 << 10;

/** The fields of a request, without those that a method sets by itself. */
type Fields<Init, Own extends string = never> = Omit<Init, "$typeName" | "$unknown" | Own>;

/** What can be said of any call: its deadline, a signal that ends it, headers. */
export type { CallOptions };

/**
 * A client of a server. Each of its methods, those of the generated clients too, throws
 * `NianbaoError` and nothing else.
 */
export class NianbaoClient implements Disposable {
  /** The generated client of `ReportService`. */
  readonly reports: Client<typeof ReportService>;
  /** The generated client of `OrganService`. */
  readonly organs: Client<typeof OrganService>;
  /** The generated client of `AggregateService`. */
  readonly aggregates: Client<typeof AggregateService>;
  /** The generated client of `DocumentService`. */
  readonly documents: Client<typeof DocumentService>;
  /** The generated client of `FormatService`. */
  readonly formats: Client<typeof FormatService>;
  /** The generated client of `AdminService`. */
  readonly admin: Client<typeof AdminService>;
  readonly #close: () => void;

  /** See `connect`, which makes the transport too. */
  constructor(transport: Transport, close: () => void) {
    this.reports = createClient(ReportService, transport);
    this.organs = createClient(OrganService, transport);
    this.aggregates = createClient(AggregateService, transport);
    this.documents = createClient(DocumentService, transport);
    this.formats = createClient(FormatService, transport);
    this.admin = createClient(AdminService, transport);
    this.#close = close;
  }

  /** Ends the connection and what is under way on it. */
  close(): void {
    this.#close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Holds a report against the rules without the server; see the function of that name. */
  validateOffline(report: Report): Finding[] {
    return validateOffline(report);
  }

  /** Lets the server hold a report against all rules, those that compare years too. */
  async validate(report: Report, call?: CallOptions): Promise<Finding[]> {
    const { findings } = await this.reports.validateReport({ report }, call);
    return findings;
  }

  /** Submits a report, or the stored draft of that name. */
  async submit(
    report: Report,
    options?: ReportOptions,
    call?: CallOptions,
  ): Promise<SubmitReportResponse>;
  async submit(
    draft: string,
    options?: DraftOptions,
    call?: CallOptions,
  ): Promise<SubmitReportResponse>;
  async submit(
    what: Report | string,
    options: ReportOptions = {},
    call?: CallOptions,
  ): Promise<SubmitReportResponse> {
    return this.reports.submitReport(submissionOf(what, options), call);
  }

  /**
   * Submits reports as one stream and yields what became of each, in their order, while later ones
   * are read. The request id of an item is made of its content: to go on after a break, send all of
   * them again; what was taken is answered with its first answer.
   */
  submitAll<Item extends BulkItem>(
    items: Iterable<Item> | AsyncIterable<Item>,
    options: BulkOptions = {},
  ): AsyncGenerator<BulkResult<Item>, void> {
    return submitAll(this.reports, items, options);
  }

  /** Reads a report by name, or one of its revisions. */
  async get(
    name: string,
    options: Fields<MessageInitShape<typeof GetReportRequestSchema>, "name"> = {},
    call?: CallOptions,
  ): Promise<Report> {
    return this.reports.getReport({ ...options, name }, call);
  }

  /** Yields the reports of an organ, of all organs by default; pages are asked for as needed. */
  async *list(
    options: Fields<MessageInitShape<typeof ListReportsRequestSchema>, "pageToken"> = {},
    call?: CallOptions,
  ): AsyncGenerator<Report, void> {
    const request = { parent: "organs/-", ...options };
    for await (const page of pages((asked) => this.reports.listReports(asked, call), request)) {
      yield* page.reports;
    }
  }

  /** Sums the reports of an organ and of all organs below it, one sum a year. */
  async aggregate(
    organ: string,
    years: number[],
    options: Fields<MessageInitShape<typeof AggregateReportsRequestSchema>, "organ" | "years"> = {},
    call?: CallOptions,
  ): Promise<Aggregate[]> {
    const request = { ...options, organ, years };
    const { aggregates } = await this.aggregates.aggregateReports(request, call);
    return aggregates;
  }

  /** Reads a report from a document, by path or its bytes; stores nothing. */
  async parse(
    document: string | URL | Uint8Array,
    header: Fields<MessageInitShape<typeof DocumentHeaderSchema>> = {},
    call?: CallOptions,
  ): Promise<ParseDocumentResponse> {
    const bytes = await readBytes(document);
    const fileName = header.fileName ?? nameOf(document);
    return this.documents.parseDocument(upload({ ...header, fileName }, bytes), call);
  }

  /** Registers the organs of a .csv or .xlsx file, by path or its bytes. */
  async importOrgans(
    file: string | URL | Uint8Array,
    header: Fields<MessageInitShape<typeof ImportOrgansHeaderSchema>> = {},
    call?: CallOptions,
  ): Promise<ImportOrgansResponse> {
    return this.organs.importOrgans(upload(header, await readBytes(file)), call);
  }

  /**
   * Yields changes as they are written, and heartbeats, which carry a position only. A connection
   * that is lost is made again, and the watch goes on from the last position, until `signal` ends
   * it.
   */
  watch(options: WatchOptions = {}): AsyncGenerator<WatchChangesResponse, void> {
    return watch(this.reports, options);
  }
}

function nameOf(document: string | URL | Uint8Array): string {
  if (document instanceof Uint8Array) {
    return "";
  }
  return basename(document instanceof URL ? fileURLToPath(document) : document);
}

/** A header, then the bytes in chunks. */
// eslint-disable-next-line @typescript-eslint/require-await -- Connect takes what is asynchronous.
async function* upload<Header>(header: Header, bytes: Uint8Array) {
  yield { content: { case: "header" as const, value: header } };
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    yield { content: { case: "chunk" as const, value: bytes.subarray(at, at + CHUNK_BYTES) } };
  }
}
