import { Code, type ConnectError } from "@connectrpc/connect";

/** Codes of Node's errors that speak of a connection, not of what was said on it. */
const OF_A_CONNECTION =
  /^(ECONN|ENET|EHOST|EAI_|ENOTFOUND$|EPIPE$|EPROTO$|ETIMEDOUT$|ERR_(HTTP2|SSL|STREAM|TLS)_)|CERT/;

/** What Connect says, without a cause, of an answer that ended before its status came. */
const CUT_SHORT: ReadonlyMap<Code, RegExp> = new Map([
  [Code.Internal, /missing status|sentinel completed early|expected open session/],
  [Code.InvalidArgument, /^protocol error: (incomplete envelope|promised \d+ bytes)/],
  // Node ends the streams of a connection that is gone with this code.
  [Code.Canceled, /closed with error code CANCEL|GOAWAY without any open streams/],
]);

/** Whether a call failed since its connection did, not since the server said so. */
export function connectionLost(error: ConnectError): boolean {
  if (error.code === Code.DeadlineExceeded) {
    return false;
  }
  const seen = new Set<unknown>();
  for (let cause = error.cause; cause instanceof Error && !seen.has(cause); cause = cause.cause) {
    seen.add(cause);
    if ("code" in cause && typeof cause.code === "string" && OF_A_CONNECTION.test(cause.code)) {
      return true;
    }
  }
  return CUT_SHORT.get(error.code)?.test(error.rawMessage) ?? false;
}
