import { getOption } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

import { ruleIdOf } from "./catalogue.js";
import { codeName, codeOfNumber } from "./code.js";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
  PreconditionFailureSchema,
} from "./gen/google/rpc/error_details_pb.js";
import { ErrorReason, ErrorReasonSchema, type Finding, label, type Refusal } from "./gen/index.js";
import { connectionLost } from "./lost.js";

/** The domain of all reasons. */
const DOMAIN = "nianbao.v1";

/** What stands in Chinese where no server has said anything. */
const SILENT_ZH = new Map([
  [Code.Unavailable, "无法连接服务器"],
  [Code.DeadlineExceeded, "超过时限"],
  [Code.Canceled, "调用已取消"],
]);

/** One rule that a request or a report breaks. */
export interface Violation {
  /** The dotted id, such as `requests.balance.total`; another reason of the server as it is. */
  readonly ruleId: string;
  readonly fieldPath: string;
  /** What is wrong, in English. */
  readonly description: string;
  /** What is wrong, in Chinese, with the address of the cell. */
  readonly messageZh: string;
}

/** What stands against a call in the present state of the server. */
export interface Precondition {
  readonly type: string;
  readonly subject: string;
  readonly description: string;
}

interface Fields {
  readonly code: Code;
  readonly message: string;
  readonly messageZh?: string | undefined;
  readonly reason?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly violations?: readonly Violation[] | undefined;
  readonly preconditions?: readonly Precondition[] | undefined;
  readonly findings?: readonly Finding[] | undefined;
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/** Why a call failed, or why nothing was sent: the one error of this package. */
export class NianbaoError extends Error {
  override readonly name = "NianbaoError";
  /** The gRPC status code. */
  readonly code: Code;
  /**
   * The reason of the server, to decide by: the enum where this schema knows it, the raw text
   * otherwise, `undefined` where the server gave none, such as when it cannot be reached.
   */
  readonly reason: ErrorReason | string | undefined;
  /** The reason as text, such as `REPORT_HAS_ERRORS`; may be empty. */
  readonly reasonText: string;
  /** What the server says beside the reason, such as `state`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The message in Chinese; may be empty. `message` is the English one. */
  readonly messageZh: string;
  /** The rules that are broken, the first ones where `truncated`. */
  readonly violations: readonly Violation[];
  /** What stands against the call in the present state of the server. */
  readonly preconditions: readonly Precondition[];
  /** The findings for which a report was refused, where they are known in full. */
  readonly findings: readonly Finding[];
  /** The request id of the call, if it had one. */
  readonly requestId: string | undefined;

  constructor(fields: Fields) {
    super(fields.message, { cause: fields.cause });
    this.code = fields.code;
    this.reasonText = fields.reason ?? "";
    this.reason = reasonOf(this.reasonText);
    this.metadata = fields.metadata ?? {};
    this.messageZh = fields.messageZh ?? SILENT_ZH.get(fields.code) ?? "";
    this.violations = fields.violations ?? [];
    this.preconditions = fields.preconditions ?? [];
    this.findings = fields.findings ?? [];
    this.requestId = fields.requestId;
  }

  /** Whether more rules are broken than `violations` has room for. */
  get truncated(): boolean {
    return this.metadata["truncated"] === "true";
  }

  /** All that a person wants to know, several lines; in English where there is no Chinese. */
  text(language: "zh" | "en" = "zh"): string {
    const zh = language === "zh";
    const either = (chinese: string, english: string) => (zh && chinese !== "" ? chinese : english);
    const reason = this.reasonText === "" ? "" : ` ${this.reasonText}`;
    const lines = [`${either(this.messageZh, this.message)} [${codeName(this.code)}${reason}]`];
    for (const { ruleId, fieldPath, description, messageZh } of this.violations) {
      lines.push(`- ${either(messageZh, description)} (${ruleId} ${fieldPath})`);
    }
    for (const { subject, description } of this.preconditions) {
      lines.push(`- ${subject}: ${description}`);
    }
    if (this.truncated) {
      lines.push(zh ? "- ……其余从略" : "- … and more");
    }
    return lines.join("\n");
  }

  /** Turns what a call threw into an error of this package. */
  static from(thrown: unknown, requestId?: string): NianbaoError {
    if (thrown instanceof NianbaoError) {
      return thrown;
    }
    const error = ConnectError.from(thrown);
    const [info] = error.findDetails(ErrorInfoSchema).filter(({ domain }) => domain === DOMAIN);
    const [chinese] = error.findDetails(LocalizedMessageSchema);
    return new NianbaoError({
      // A connection that breaks reaches us under several codes; gRPC has one for it.
      code: connectionLost(error) ? Code.Unavailable : error.code,
      message: error.rawMessage,
      messageZh: chinese?.message,
      reason: info?.reason,
      metadata: info?.metadata,
      violations: error
        .findDetails(BadRequestSchema)
        .flatMap((detail) => detail.fieldViolations)
        .map(({ field, description, reason, localizedMessage }) => ({
          ruleId: ruleIdOf(reason),
          fieldPath: field,
          description,
          messageZh: localizedMessage?.message ?? "",
        })),
      preconditions: error
        .findDetails(PreconditionFailureSchema)
        .flatMap((detail) => detail.violations)
        .map(({ type, subject, description }) => ({ type, subject, description })),
      requestId,
      cause: thrown,
    });
  }

  /** Why an item of a stream was refused, with the findings that came with the refusal. */
  static ofRefusal(refusal: Refusal, findings: readonly Finding[], requestId: string) {
    return new NianbaoError({
      code: codeOfNumber(refusal.code),
      message: refusal.messageEn,
      messageZh: refusal.messageZh,
      reason: refusal.reason,
      violations: findings.map(violationOf),
      findings,
      requestId,
    });
  }

  /** A report that is not sent, since the rules find something in it. */
  static ofFindings(
    reason: ErrorReason.REPORT_HAS_ERRORS | ErrorReason.WARNING_UNEXPLAINED,
    findings: readonly Finding[],
    named: readonly Finding[],
  ): NianbaoError {
    const { zh, en } = labelOf(reason);
    return new NianbaoError({
      code: Code.InvalidArgument,
      message: `${en}: ${named.length} found before sending`,
      messageZh: `${zh}：发送前检查发现 ${named.length} 处`,
      reason: ErrorReason[reason],
      violations: named.map(violationOf),
      findings,
    });
  }

  /** An argument that cannot be sent. */
  static invalid(
    message: string,
    messageZh: string,
    more: Partial<Pick<Fields, "violations" | "reason" | "cause">> = {},
  ): NianbaoError {
    return new NianbaoError({ code: Code.InvalidArgument, message, messageZh, ...more });
  }
}

function violationOf(finding: Finding): Violation {
  return {
    ruleId: finding.ruleId,
    fieldPath: finding.fieldPath,
    description: finding.messageEn,
    messageZh: finding.cell === "" ? finding.messageZh : `${finding.cell}：${finding.messageZh}`,
  };
}

function reasonOf(word: string): ErrorReason | string | undefined {
  const reasons = Object.values(ErrorReason).filter((reason) => typeof reason === "number");
  const known = reasons.find((reason) => ErrorReason[reason] === word);
  return word === "" ? undefined : (known ?? word);
}

function labelOf(reason: ErrorReason) {
  return getOption(ErrorReasonSchema.value[reason], label);
}
