export { clone, create, equals, fromBinary, toBinary } from "@bufbuild/protobuf";
export { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
export { Code } from "@connectrpc/connect";

export type { BulkItem, BulkOptions, BulkResult } from "./bulk.js";
export { type CallOptions, NianbaoClient } from "./client.js";
export { codeName } from "./code.js";
export { connect, type ConnectOptions, type TlsFiles } from "./connect.js";
export { NianbaoError, type Precondition, type Violation } from "./error.js";
export { unexplained, validateOffline, violationsOf } from "./findings.js";
export * from "./gen/index.js";
export { readReport, reportFromJson, reportToJson } from "./json.js";
export { pages } from "./pages.js";
export { contentRequestId } from "./request-id.js";
export type { DraftOptions, ReportOptions } from "./submission.js";
export type { WatchOptions } from "./watch.js";
