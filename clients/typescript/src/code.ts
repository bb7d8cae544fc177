import { Code } from "@connectrpc/connect";

/** Written otherwise in gRPC than the name that Connect gives it. */
const CANCELLED = "CANCELLED";

/** The name of a status code as gRPC writes it, such as `INVALID_ARGUMENT`. */
export function codeName(code: Code): string {
  if (code === Code.Canceled) {
    return CANCELLED;
  }
  return Code[code].replace(/(?<=.)[A-Z]/g, "_$&").toUpperCase();
}

/** The status code of that gRPC name; `undefined` where there is none. */
export function codeOf(name: string): Code | undefined {
  return codes().find((code) => codeName(code) === name);
}

/** The status code of that number. */
export function codeOfNumber(number: number): Code {
  return codes().find((code: number) => code === number) ?? Code.Unknown;
}

function codes(): Code[] {
  return Object.values(Code).filter((code) => typeof code === "number");
}
