import { createHash, randomUUID } from "node:crypto";

import { type DescMessage, type Message, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";

import { type SubmitReportRequest, SubmitReportRequestSchema } from "./gen/index.js";

const ID = "requestId";
const CHECK_ONLY = "validateOnly";

/**
 * The id of a submission, made of what it says: SHA-256 of its encoding without an id, in hex. The
 * same submission has the same id on any day and in any client, so that the server answers a
 * repetition with its first answer for a week.
 */
export function contentRequestId(submission: SubmitReportRequest): string {
  const encoded = toBinary(SubmitReportRequestSchema, { ...submission, requestId: "" });
  return createHash("sha256").update(encoded).digest("hex");
}

/**
 * The message with a random request id, where it or a message right below it is a write that has
 * none; else the message itself. The caller's own is left as it is.
 */
export function withRequestId<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): MessageShape<Desc> {
  if (schema.field[ID] !== undefined) {
    const { [ID]: id, [CHECK_ONLY]: checkOnly } = fieldsOf(message);
    return id !== "" || checkOnly === true ? message : { ...message, [ID]: randomUUID() };
  }
  for (const field of schema.fields) {
    if (field.fieldKind === "message" && field.message.field[ID] !== undefined) {
      const copy = reflect(schema, { ...message });
      if (copy.isSet(field)) {
        const below = withRequestId(field.message, copy.get(field).message);
        copy.set(field, reflect(field.message, below));
        return copy.message as MessageShape<Desc>;
      }
    }
  }
  return message;
}

/** The request id of a message; `undefined` where it has none. */
export function requestIdOf(message: Message): string | undefined {
  const id = fieldsOf(message)[ID];
  return typeof id === "string" && id !== "" ? id : undefined;
}

function fieldsOf(message: Message): Partial<Record<string, unknown>> {
  return message;
}
