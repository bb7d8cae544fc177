package io.nianbao.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.LocalizedMessage;
import com.google.rpc.PreconditionFailure;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.nianbao.v1.ErrorReason;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class NianbaoExceptionTest {
  private static StatusRuntimeException sent(String reason, String domain) {
    BadRequest.FieldViolation violation =
        BadRequest.FieldViolation.newBuilder()
            .setField("requests")
            .setDescription("the total is wrong")
            .setReason("REQUESTS_BALANCE_TOTAL")
            .setLocalizedMessage(LocalizedMessage.newBuilder().setMessage("表三·总计：不符"))
            .build();
    PreconditionFailure.Violation precondition =
        PreconditionFailure.Violation.newBuilder()
            .setType(reason)
            .setSubject("organs/a")
            .setDescription("it is closed")
            .build();
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(Status.Code.INVALID_ARGUMENT.value())
            .setMessage("the report has errors")
            .addDetails(
                Any.pack(
                    ErrorInfo.newBuilder()
                        .setReason(reason)
                        .setDomain(domain)
                        .putMetadata("errors", "3")
                        .putMetadata("truncated", "true")
                        .build()))
            .addDetails(Any.pack(LocalizedMessage.newBuilder().setMessage("报告有错误").build()))
            .addDetails(Any.pack(BadRequest.newBuilder().addFieldViolations(violation).build()))
            .addDetails(
                Any.pack(PreconditionFailure.newBuilder().addViolations(precondition).build()))
            .build());
  }

  /** A refusal with that reason and code. */
  static StatusRuntimeException refusal(String reason, Status.Code code) {
    ErrorInfo info = ErrorInfo.newBuilder().setReason(reason).setDomain("nianbao.v1").build();
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(code.value())
            .setMessage("as told")
            .addDetails(Any.pack(info))
            .build());
  }

  @Test
  void detailsThatCannotBeReadDoNotHideTheError() {
    Metadata trailers = new Metadata();
    trailers.put(
        Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER),
        new byte[] {-1, -1});
    NianbaoException error =
        NianbaoException.of(Status.ABORTED.withDescription("plain").asRuntimeException(trailers));

    assertEquals(Status.Code.ABORTED, error.code());
    assertEquals("plain", error.getMessage());
    assertEquals("", error.reasonText());
  }

  @Test
  void detailsOfAnotherCodeDoNotHideTheError() {
    Metadata trailers = refusal("REPORT_STATE", Status.Code.FAILED_PRECONDITION).getTrailers();

    assertEquals(Status.Code.ABORTED, NianbaoException.of(Status.ABORTED, trailers, "").code());
  }

  @Test
  void everyDetailOfAStatusCanBeRead() {
    StatusRuntimeException thrown = sent("REPORT_HAS_ERRORS", "nianbao.v1");
    NianbaoException error = NianbaoException.of(thrown);

    assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
    assertEquals(Optional.of(ErrorReason.ERROR_REASON_REPORT_HAS_ERRORS), error.reason());
    assertEquals("the report has errors", error.getMessage());
    assertEquals("报告有错误", error.messageZh());
    assertEquals(Map.of("errors", "3", "truncated", "true"), error.metadata());
    assertTrue(error.truncated());
    assertEquals(
        List.of(
            new NianbaoException.Violation(
                "requests.balance.total", "requests", "the total is wrong", "表三·总计：不符")),
        error.violations());
    assertEquals(
        List.of(new NianbaoException.Precondition("REPORT_HAS_ERRORS", "organs/a", "it is closed")),
        error.preconditions());
    assertSame(thrown, error.getCause());
  }

  @Test
  void theTextIsEnglishOrChinese() {
    NianbaoException error = NianbaoException.of(sent("REPORT_HAS_ERRORS", "nianbao.v1"));

    assertTrue(error.text().startsWith("INVALID_ARGUMENT REPORT_HAS_ERRORS: the report has"));
    assertTrue(error.text().contains("requests.balance.total requests: the total is wrong"));
    assertTrue(error.textZh().startsWith("报告有错误（INVALID_ARGUMENT REPORT_HAS_ERRORS）"));
    assertTrue(error.textZh().contains("表三·总计：不符（requests.balance.total）"));
  }

  @Test
  void aReasonOfANewerServerIsKeptAsText() {
    NianbaoException error = NianbaoException.of(sent("SOMETHING_NEW", "nianbao.v1"));

    assertEquals(Optional.empty(), error.reason());
    assertEquals("SOMETHING_NEW", error.reasonText());
  }

  @Test
  void aReasonOfAnotherDomainIsNotTakenForOurs() {
    assertEquals("", NianbaoException.of(sent("REPORT_STATE", "example.com")).reasonText());
  }

  @Test
  void anyOtherExceptionIsToldWithItsCause() {
    IllegalStateException thrown = new IllegalStateException("broken");
    NianbaoException error = NianbaoException.of(thrown);

    assertEquals(Status.Code.UNKNOWN, error.code());
    assertSame(thrown, error.getCause());
  }
}
