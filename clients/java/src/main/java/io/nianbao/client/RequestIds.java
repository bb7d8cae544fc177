package io.nianbao.client;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.nianbao.v1.SubmitReportRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HexFormat;
import java.util.UUID;

/** Request ids: what makes that a write which is sent twice is done once. */
final class RequestIds {
  private static final String FIELD = "request_id";
  private static final String DRY_RUN = "validate_only";

  private RequestIds() {}

  /** The message with a random id where it, or a message right below it, wants one. */
  static <M> M given(M message) {
    if (!(message instanceof Message)) {
      return message;
    }
    Message given = given((Message) message, 1);
    @SuppressWarnings("unchecked") // A builder makes the type that it was made of.
    M same = (M) given;
    return same;
  }

  /** The id of a write; empty where it has none. */
  static String of(Object request) {
    if (request instanceof Message message) {
      FieldDescriptor id = message.getDescriptorForType().findFieldByName(FIELD);
      return id == null ? "" : (String) message.getField(id);
    }
    return "";
  }

  /** An id made of what is submitted, as the command line makes it. */
  static String ofContent(SubmitReportRequest request) {
    SubmitReportRequest plain = request.toBuilder().clearRequestId().build();
    byte[] bytes = new byte[plain.getSerializedSize()];
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    out.useDeterministicSerialization();
    try {
      plain.writeTo(out);
    } catch (IOException e) {
      throw new UncheckedIOException("the array has the size of the message", e);
    }
    return HexFormat.of().formatHex(Findings.sha256(bytes));
  }

  private static Message given(Message message, int depth) {
    FieldDescriptor id = message.getDescriptorForType().findFieldByName(FIELD);
    if (id != null) {
      boolean wanted = ((String) message.getField(id)).isEmpty() && !isDryRun(message);
      return wanted
          ? message.toBuilder().setField(id, UUID.randomUUID().toString()).build()
          : message;
    }
    if (depth == 0) {
      return message;
    }
    for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
      boolean isMessage = field.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
      if (isMessage && !field.isRepeated() && message.hasField(field)) {
        Message below = (Message) message.getField(field);
        Message given = given(below, depth - 1);
        if (given != below) {
          return message.toBuilder().setField(field, given).build();
        }
      }
    }
    return message;
  }

  private static boolean isDryRun(Message message) {
    FieldDescriptor field = message.getDescriptorForType().findFieldByName(DRY_RUN);
    return field != null && (Boolean) message.getField(field);
  }
}
