package io.nianbao.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.nianbao.v1.GetReportRequest;
import io.nianbao.v1.Report;
import io.nianbao.v1.ReportServiceGrpc;
import io.nianbao.v1.SubmitReportRequest;
import io.nianbao.v1.WatchChangesRequest;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How calls go: retries, request ids, deadlines, pages, streams, errors. */
@Timeout(30)
class CallsTest {
  private static final Report REPORT = Samples.sound("java-test-stub");

  private StubServer server;
  private NianbaoClient client;

  @BeforeEach
  void start() {
    server = new StubServer();
    client = server.client();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  @Test
  void aWriteThatFindsNoServerIsTriedAgainWithTheSameRandomId() {
    server.failures.set(2);
    client.submit(REPORT);

    assertEquals(3, server.seen.size());
    assertEquals(1, server.seen.stream().distinct().count());
    assertEquals(4, UUID.fromString(server.seen.get(0)).version());
  }

  @Test
  void twoWritesHaveTwoIds() {
    client.submit(REPORT);
    client.submit(REPORT);

    assertEquals(2, server.seen.stream().distinct().count());
  }

  @Test
  void anIdOfTheCallerIsKeptAndADryRunHasNone() {
    client.submit(Submission.of(REPORT).requestId("mine"));
    client.submit(Submission.of(REPORT).validateOnly());

    assertEquals(List.of("mine", ""), server.seen);
  }

  @Test
  void retriesEndAfterTheAttemptsThatAreAllowed() {
    server.failures.set(100);
    NianbaoException error = assertThrows(NianbaoException.class, () -> client.submit(REPORT));

    assertEquals(Status.Code.UNAVAILABLE, error.code());
    assertEquals(4, server.seen.size());
    assertEquals(server.seen.get(0), error.requestId());
  }

  @Test
  void theContentRequestIdIsTheDigestOfTheSubmission() {
    Submission submission = Submission.of(REPORT);
    String id = submission.contentRequestId().request().getRequestId();

    assertTrue(id.matches("[0-9a-f]{64}"), id);
    assertEquals(id, submission.requestId("x").contentRequestId().request().getRequestId());
  }

  @Test
  void aStreamIsAnsweredInOrderWithIdsOfTheContent() {
    List<Submission> many =
        Stream.iterate(2000, year -> year + 1)
            .limit(100)
            .map(year -> Submission.of(REPORT.toBuilder().setYear(year).build()))
            .toList();
    try (SubmitResults results = client.submitAll(many)) {
      for (int index = 0; index < many.size(); index++) {
        SubmitResult result = results.next();
        assertEquals(index, result.answer().getIndex());
        assertTrue(result.isTaken());
        assertEquals(
            many.get(index).contentRequestId().request().getRequestId(), server.seen.get(index));
      }
      assertFalse(results.hasNext());
    }
  }

  @Test
  void aStreamIsNotTriedAgain() {
    server.failures.set(1);
    try (SubmitResults results = client.submitAll(List.of(Submission.of(REPORT)))) {
      assertThrows(NianbaoException.class, results::next);
      // And whoever asks again does not wait for ever.
      assertThrows(NianbaoException.class, results::next);
    }
    assertEquals(1, server.seen.size());
  }

  @Test
  void itemsAreTakenFromTheirSourceAFewAhead() {
    Iterator<Submission> endless = Stream.generate(() -> Submission.of(REPORT)).iterator();
    try (SubmitResults results = client.submitAll(() -> endless)) {
      results.next();
      results.next();
    }
    assertTrue(server.seen.size() < 40, "sent " + server.seen.size());
  }

  @Test
  void anItemThatNoMessageCanHoldIsRefusedAndThoseAfterItAreSent() {
    Report large = REPORT.toBuilder().setTitle("x".repeat(4 << 20)).build();
    List<Submission> items = Stream.of(REPORT, large, REPORT, large).map(Submission::of).toList();
    try (SubmitResults results = client.submitAll(items)) {
      for (int index = 0; index < items.size(); index++) {
        SubmitResult result = results.next();
        assertEquals(index, result.answer().getIndex());
        assertEquals(index % 2 == 0, result.isTaken());
      }
      assertFalse(results.hasNext());
    }
    // Once all items are answered the stream is closed: the server may hear that before its end.
    assertEquals(2, server.seen.stream().filter(id -> !id.equals("cancelled")).count());
  }

  @Test
  void whatTheSourceThrowsComesAfterTheAnswersToWhatWasSent() {
    Stream<Submission> items =
        Stream.of(1, 2, 0)
            .map(
                number -> {
                  if (number == 0) {
                    throw new IllegalArgumentException("no such file");
                  }
                  return Submission.of(REPORT);
                });
    try (SubmitResults results = client.submitAll(items::iterator)) {
      assertTrue(results.next().isTaken());
      assertTrue(results.next().isTaken());
      assertThrows(IllegalArgumentException.class, results::next);
    }
  }

  @Test
  void aListIsAskedForPageByPageAsItIsRead() {
    Iterator<Report> reports = client.list("organs/-").iterator();
    assertEquals("page-1", reports.next().getName());
    assertEquals(List.of(""), server.seen);

    assertEquals("page-3", reports.next().getName());
    assertFalse(reports.hasNext());
    assertEquals(List.of("", "2", "3"), server.seen);
  }

  @Test
  void aWatchGoesOnFromTheLastPositionHeartbeatsIncluded() {
    try (Watch watch = client.watch(WatchChangesRequest.newBuilder().setFromNow(true).build())) {
      assertEquals("1", watch.next().getPosition());
      assertEquals("3", watch.next().getPosition());
      assertEquals("5", watch.next().getPosition());
      NianbaoException error = assertThrows(NianbaoException.class, watch::hasNext);
      assertEquals(Status.Code.DATA_LOSS, error.code());
      assertEquals("6", watch.position());
    }
    assertEquals(List.of("now", "2", "4"), server.seen);
  }

  @Test
  void aWatchThatFindsNoServerSaysSo() {
    server.failures.set(9);
    try (Watch watch = client.watch(WatchChangesRequest.getDefaultInstance())) {
      NianbaoException error = assertThrows(NianbaoException.class, watch::hasNext);
      assertEquals(Status.Code.UNAVAILABLE, error.code());
    }
  }

  @Test
  void aWatchDoesNotTryAgainWhatTheServerRefusesWithAReason() {
    WatchChangesRequest request =
        WatchChangesRequest.newBuilder().setOrgan(StubServer.REFUSING).build();
    try (Watch watch = client.watch(request)) {
      watch.next();
      NianbaoException error = assertThrows(NianbaoException.class, watch::hasNext);
      assertEquals("POSITION_NOT_REACHED", error.reasonText());
    }
    assertEquals(1, server.seen.size());
  }

  @Test
  @Timeout(20)
  void aWatchEndsWithItsClient() {
    WatchChangesRequest request =
        WatchChangesRequest.newBuilder().setOrgan(StubServer.SILENT).build();
    try (Watch watch = client.watch(request)) {
      watch.next();
      new Thread(client::close).start();

      assertFalse(watch.hasNext());
    }
  }

  @Test
  void aWatchThatIsClosedEnds() {
    Watch watch = client.watch(WatchChangesRequest.getDefaultInstance());
    watch.next();
    watch.close();

    assertFalse(watch.hasNext());
  }

  @Test
  void aCallEndsAtItsDeadline() {
    try (NianbaoClient hasty =
        NianbaoClient.builder(server.target())
            .plaintext()
            .deadline(Duration.ofMillis(200))
            .build()) {
      NianbaoException error =
          assertThrows(NianbaoException.class, () -> hasty.get("organs/a/reports/2023-own"));
      assertEquals(Status.Code.DEADLINE_EXCEEDED, error.code());
    }
  }

  @Test
  void thePrincipalGoesWithEveryCall() {
    try (NianbaoClient zhang =
        NianbaoClient.builder(server.target()).plaintext().principal("zhang").build()) {
      zhang.submit(REPORT);
    }
    client.submit(REPORT);

    assertEquals(List.of("zhang", "null"), server.principals);
  }

  @Test
  void aCallMayNameAnotherPrincipal() {
    Metadata.Key<String> key =
        Metadata.Key.of("nianbao-principal", Metadata.ASCII_STRING_MARSHALLER);
    Metadata headers = new Metadata();
    headers.put(key, "li");
    try (NianbaoClient zhang =
        NianbaoClient.builder(server.target()).plaintext().principal("zhang").build()) {
      zhang
          .reports()
          .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
          .submitReport(SubmitReportRequest.getDefaultInstance());
    }

    assertEquals(List.of("li"), server.principals);
  }

  @Test
  void stubsShareRetriesIdsAndErrors() {
    SubmitReportRequest request = SubmitReportRequest.newBuilder().setReport(REPORT).build();
    server.failures.set(1);
    client.reports().submitReport(request);
    assertEquals(36, server.seen.get(1).length());

    server.failures.set(100);
    StatusRuntimeException raw =
        assertThrows(StatusRuntimeException.class, () -> client.reports().submitReport(request));
    assertInstanceOf(NianbaoException.class, raw.getCause());
    NianbaoException told =
        assertThrows(
            NianbaoException.class,
            () -> client.call(() -> client.reports().submitReport(request)));
    assertEquals(36, told.requestId().length());
  }

  @Test
  void stubsOfOtherKindsGoOverTheSameChannel() {
    server.failures.set(100);
    SubmitReportRequest request = SubmitReportRequest.newBuilder().setReport(REPORT).build();
    ExecutionException failed =
        assertThrows(
            ExecutionException.class,
            () -> ReportServiceGrpc.newFutureStub(client.channel()).submitReport(request).get());

    assertEquals(Status.Code.UNAVAILABLE, NianbaoException.of(failed).code());
    assertEquals(36, NianbaoException.of(failed).requestId().length());
  }

  @Test
  void aClientWithoutWordOfTlsIsNotBuilt() {
    NianbaoClientBuilder silent = NianbaoClient.builder(server.target());

    assertThrows(IllegalStateException.class, silent::build);
    assertThrows(IllegalStateException.class, silent.plaintext().tls()::build);
    assertThrows(IllegalArgumentException.class, () -> NianbaoClient.builder("http://a:1"));
    assertThrows(IllegalArgumentException.class, () -> silent.principal("张"));
  }

  @Test
  void anUnansweredCallIsSeenByTheServerOnce() {
    GetReportRequest request = GetReportRequest.newBuilder().setName("once").build();
    assertThrows(
        StatusRuntimeException.class,
        () -> client.reports().withDeadlineAfter(Duration.ofMillis(200)).getReport(request));

    assertEquals(List.of("once"), server.seen);
  }
}
