package io.nianbao.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.LocalizedMessage;
import com.google.rpc.PreconditionFailure;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.nianbao.v1.ErrorReason;
import io.nianbao.v1.Finding;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The one error of this package: a call that failed, or a refusal that needed no network.
 *
 * <p>A program decides by {@link #code} and {@link #reason}, never by text. {@link #getMessage} is
 * the English message; {@link #text} and {@link #textZh} tell all of it.
 */
public final class NianbaoException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** The domain of the reasons of nianbao. */
  private static final String DOMAIN = "nianbao.v1";

  private static final String REASON_PREFIX = "ERROR_REASON_";

  /** Not written out with the exception: it is for who catches it. */
  private final transient Details details;

  private NianbaoException(Details details, Throwable cause) {
    super(details.message, cause);
    this.details = details;
  }

  /**
   * A rule that was broken.
   *
   * @param ruleId the id of the rule, such as {@code requests.balance.total}; the reason of the
   *     error where it was no rule of the schema
   * @param fieldPath the field of which it speaks
   * @param description the English text
   * @param messageZh the Chinese text
   */
  public record Violation(String ruleId, String fieldPath, String description, String messageZh) {}

  /**
   * What must hold before the call can succeed.
   *
   * @param type the reason
   * @param subject what does not hold it, such as an organ
   * @param description the English text
   */
  public record Precondition(String type, String subject, String description) {}

  private record Details(
      Status.Code code,
      String message,
      String messageZh,
      String reason,
      Map<String, String> metadata,
      List<Violation> violations,
      List<Precondition> preconditions,
      List<Finding> findings,
      String requestId) {}

  /**
   * The error that a stub threw, told by this package. What a stub of a {@link NianbaoClient}
   * throws has the request id of the call; any other exception of gRPC is taken as it is.
   */
  public static NianbaoException of(Throwable thrown) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof NianbaoException known) {
        return cause == thrown ? known : new NianbaoException(known.details, thrown);
      }
    }
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof StatusRuntimeException failed) {
        return new NianbaoException(details(failed.getStatus(), failed.getTrailers(), ""), thrown);
      }
      if (cause instanceof StatusException failed) {
        return new NianbaoException(details(failed.getStatus(), failed.getTrailers(), ""), thrown);
      }
    }
    return new NianbaoException(details(Status.fromThrowable(thrown), null, ""), thrown);
  }

  /** The error of a call that ended with that status. */
  static NianbaoException of(Status status, Metadata trailers, String requestId) {
    return new NianbaoException(details(status, trailers, requestId), status.getCause());
  }

  /** A refusal before anything was sent. */
  static NianbaoException offline(String message, String messageZh, Throwable cause) {
    return new NianbaoException(
        new Details(
            Status.Code.INVALID_ARGUMENT,
            message,
            messageZh,
            "",
            Map.of(),
            List.of(),
            List.of(),
            List.of(),
            ""),
        cause);
  }

  /** A report whose sums cannot be computed. */
  static NianbaoException overflowing(Catalogue.Entry rule, Throwable cause) {
    String english = rule.options().getTextEn();
    Violation violation = new Violation(rule.options().getId(), "", english, rule.textZh());
    return new NianbaoException(
        new Details(
            Status.Code.INVALID_ARGUMENT,
            english + ": " + cause.getMessage(),
            rule.textZh(),
            ErrorReason.ERROR_REASON_REPORT_HAS_ERRORS.name().substring(REASON_PREFIX.length()),
            Map.of(),
            List.of(violation),
            List.of(),
            List.of(),
            ""),
        cause);
  }

  /**
   * A report that would be refused, told as the server tells it: what stands against it, of all.
   */
  static NianbaoException refused(
      ErrorReason reason,
      String message,
      String messageZh,
      List<Finding> against,
      List<Finding> findings) {
    List<Violation> violations =
        against.stream()
            .map(
                f ->
                    new Violation(
                        f.getRuleId(),
                        f.getFieldPath(),
                        f.getMessageEn(),
                        f.getCell() + "：" + f.getMessageZh()))
            .toList();
    String word = reason.name().substring(REASON_PREFIX.length());
    return new NianbaoException(
        new Details(
            Status.Code.INVALID_ARGUMENT,
            message,
            messageZh,
            word,
            Map.of(),
            violations,
            List.of(),
            findings,
            ""),
        null);
  }

  private static Details details(Status status, Metadata trailers, String requestId) {
    String message = status.getDescription() == null ? "" : status.getDescription();
    String messageZh = "";
    String reason = "";
    Map<String, String> metadata = new HashMap<>();
    List<Violation> violations = new ArrayList<>();
    List<Precondition> preconditions = new ArrayList<>();
    com.google.rpc.Status sent = trailers == null ? null : sent(status, trailers);
    for (Any detail : sent == null ? List.<Any>of() : sent.getDetailsList()) {
      try {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          if (info.getDomain().equals(DOMAIN)) {
            reason = info.getReason();
            metadata.putAll(info.getMetadataMap());
          }
        } else if (detail.is(LocalizedMessage.class)) {
          messageZh = detail.unpack(LocalizedMessage.class).getMessage();
        } else if (detail.is(BadRequest.class)) {
          detail.unpack(BadRequest.class).getFieldViolationsList().stream()
              .map(NianbaoException::violation)
              .forEach(violations::add);
        } else if (detail.is(PreconditionFailure.class)) {
          detail.unpack(PreconditionFailure.class).getViolationsList().stream()
              .map(p -> new Precondition(p.getType(), p.getSubject(), p.getDescription()))
              .forEach(preconditions::add);
        }
      } catch (InvalidProtocolBufferException unreadable) {
        // A detail that cannot be read must not hide the error that it goes with.
        continue;
      }
    }
    return new Details(
        status.getCode(),
        message,
        messageZh,
        reason,
        Map.copyOf(metadata),
        List.copyOf(violations),
        List.copyOf(preconditions),
        List.of(),
        requestId);
  }

  /** The status as the server wrote it; {@code null} where it wrote none that can be read. */
  private static com.google.rpc.Status sent(Status status, Metadata trailers) {
    try {
      return StatusProto.fromStatusAndTrailers(status, trailers);
    } catch (IllegalArgumentException unreadable) {
      // Bytes that are no status, or a status of another code. Thrown from here it would be lost,
      // and whoever waits for the call would wait for ever.
      return null;
    }
  }

  private static Violation violation(BadRequest.FieldViolation violation) {
    return new Violation(
        Catalogue.idOfReason(violation.getReason()),
        violation.getField(),
        violation.getDescription(),
        violation.getLocalizedMessage().getMessage());
  }

  /** The code of gRPC. */
  public Status.Code code() {
    return details.code;
  }

  /** The reason, where the server stated one that this package knows. */
  public Optional<ErrorReason> reason() {
    try {
      return details.reason.isEmpty()
          ? Optional.empty()
          : Optional.of(ErrorReason.valueOf(REASON_PREFIX + details.reason));
    } catch (IllegalArgumentException unknown) {
      return Optional.empty();
    }
  }

  /** The reason as the server stated it, such as {@code REPORT_HAS_ERRORS}; empty without one. */
  public String reasonText() {
    return details.reason;
  }

  /** The Chinese message; empty where there is none. */
  public String messageZh() {
    return details.messageZh;
  }

  /** What goes with the reason, such as {@code errors} or {@code etag}. */
  public Map<String, String> metadata() {
    return details.metadata;
  }

  /** The rules that were broken, or the first of them: see {@link #truncated}. */
  public List<Violation> violations() {
    return details.violations;
  }

  /** What did not hold. */
  public List<Precondition> preconditions() {
    return details.preconditions;
  }

  /** All findings of a report that was refused before it was sent; empty for a server's error. */
  public List<Finding> findings() {
    return details.findings;
  }

  /** Whether more rules were broken than {@link #violations} names. */
  public boolean truncated() {
    return Boolean.parseBoolean(details.metadata.get("truncated"));
  }

  /** The request id of the write that failed; empty where it had none. */
  public String requestId() {
    return details.requestId;
  }

  /** All of it in English, some lines. */
  public String text() {
    StringBuilder text = new StringBuilder(details.code.name());
    text.append(details.reason.isEmpty() ? "" : " " + details.reason);
    text.append(details.message.isEmpty() ? "" : ": " + details.message);
    for (Violation v : details.violations) {
      text.append("\n  ").append(v.ruleId).append(' ').append(v.fieldPath).append(": ");
      text.append(v.description);
    }
    for (Precondition p : details.preconditions) {
      text.append("\n  ").append(p.subject).append(": ").append(p.description);
    }
    return text.append(truncated() ? "\n  …" : "").toString();
  }

  /** All of it in Chinese, where the server said it in Chinese. */
  public String textZh() {
    if (details.messageZh.isEmpty()) {
      return text();
    }
    StringBuilder text = new StringBuilder(details.messageZh);
    text.append('（').append(details.code.name());
    text.append(details.reason.isEmpty() ? "" : " " + details.reason).append('）');
    for (Violation v : details.violations) {
      text.append("\n  ").append(v.messageZh.isEmpty() ? v.description : v.messageZh);
      text.append("（").append(v.ruleId).append("）");
    }
    for (Precondition p : details.preconditions) {
      text.append("\n  ").append(p.subject).append("：").append(p.description);
    }
    return text.append(truncated() ? "\n  ……" : "").toString();
  }
}
