package io.nianbao.client;

import com.google.protobuf.ByteString;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import io.nianbao.v1.AdminServiceGrpc;
import io.nianbao.v1.AggregateReportsRequest;
import io.nianbao.v1.AggregateReportsResponse;
import io.nianbao.v1.AggregateServiceGrpc;
import io.nianbao.v1.DocumentHeader;
import io.nianbao.v1.DocumentServiceGrpc;
import io.nianbao.v1.Finding;
import io.nianbao.v1.FormatServiceGrpc;
import io.nianbao.v1.GetReportRequest;
import io.nianbao.v1.ImportOrgansHeader;
import io.nianbao.v1.ImportOrgansRequest;
import io.nianbao.v1.ImportOrgansResponse;
import io.nianbao.v1.ListReportsRequest;
import io.nianbao.v1.ListReportsResponse;
import io.nianbao.v1.OrganServiceGrpc;
import io.nianbao.v1.ParseDocumentRequest;
import io.nianbao.v1.ParseDocumentResponse;
import io.nianbao.v1.Report;
import io.nianbao.v1.ReportServiceGrpc;
import io.nianbao.v1.SubmitReportResponse;
import io.nianbao.v1.ValidateReportRequest;
import io.nianbao.v1.ValidateReportResponse;
import io.nianbao.v1.WatchChangesRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A client of nianbao. Its methods block, may be called from many threads, and fail with {@link
 * NianbaoException} alone, wrong use of them and files that cannot be read apart.
 *
 * <p>What has no method here is called by the generated stubs: {@link #reports}, {@link #organs}
 * and so on, or any other stub over {@link #channel}. These share deadlines, retries, request ids
 * and principal. A stub throws {@code StatusRuntimeException}; within {@link #call} it is a {@link
 * NianbaoException}.
 */
public final class NianbaoClient implements AutoCloseable {
  /** A message of a stream of bytes holds so many: a quarter of what the server takes. */
  private static final int CHUNK_BYTES = 256 << 10;

  /** A channel that does not end its calls by itself within so long is made to. */
  private static final int CLOSE_SECONDS = 5;

  private final ManagedChannel connection;
  private final Channel channel;

  NianbaoClient(ManagedChannel connection, String principal) {
    this.connection = connection;
    this.channel = ClientInterceptors.intercept(connection, new CallInterceptor(principal));
  }

  /** Connects to a server, {@code host:port}: say {@code tls()} or {@code plaintext()} next. */
  public static NianbaoClientBuilder builder(String target) {
    return new NianbaoClientBuilder(target);
  }

  /** What the rules find in a report, without a server: see {@link Findings}. */
  public List<Finding> validateOffline(Report report) {
    return Findings.of(report);
  }

  /** What the server finds in a report, beside that of last year. */
  public ValidateReportResponse validate(Report report) {
    ValidateReportRequest request = ValidateReportRequest.newBuilder().setReport(report).build();
    return call(() -> reports().validateReport(request));
  }

  /** Submits a report. */
  public SubmitReportResponse submit(Report report) {
    return submit(Submission.of(report));
  }

  /** Submits a report or a draft. */
  public SubmitReportResponse submit(Submission submission) {
    if (submission.isChecked()) {
      submission.refuseOffline();
    }
    return call(() -> reports().submitReport(submission.request()));
  }

  /**
   * Submits many, over one stream. The answers come in the order of the items, a refused one among
   * them, and one that is larger than a message may be, which is not sent; close what is returned.
   * What the items themselves throw is thrown after the answers to those before. Items without a
   * request id get one made of their content. None is checked before it is sent: the stream tells
   * what is wrong with it.
   */
  public SubmitResults submitAll(Iterable<Submission> submissions) {
    Iterator<Submission> source = submissions.iterator();
    return new SubmitResults(ReportServiceGrpc.newStub(channel), source);
  }

  /** The latest revision of a report, {@code organs/{organ}/reports/{year}-{scope}}. */
  public Report get(String name) {
    return get(GetReportRequest.newBuilder().setName(name).build());
  }

  /** A revision of a report, as it stands or stood. */
  public Report get(GetReportRequest request) {
    return call(() -> reports().getReport(request));
  }

  /** All reports of an organ, {@code organs/{organ}}, or of all organs, {@code organs/-}. */
  public Pages<Report> list(String parent) {
    return list(ListReportsRequest.newBuilder().setParent(parent).build());
  }

  /** All reports that a request asks for, page by page as they are read. */
  public Pages<Report> list(ListReportsRequest request) {
    return Pages.of(
        token -> {
          // The first page may be one that the request names.
          ListReportsRequest page =
              token.isEmpty() ? request : request.toBuilder().setPageToken(token).build();
          ListReportsResponse answer = call(() -> reports().listReports(page));
          return new Pages.Page<>(answer.getReportsList(), answer.getNextPageToken());
        });
  }

  /** Sums the reports of organs. */
  public AggregateReportsResponse aggregate(AggregateReportsRequest request) {
    return call(() -> aggregates().aggregateReports(request));
  }

  /**
   * Reads a report from a document; its file name is that of the path unless the header has one.
   */
  public ParseDocumentResponse parse(Path document, DocumentHeader header) {
    DocumentHeader named =
        header.getFileName().isEmpty()
            ? header.toBuilder().setFileName(document.getFileName().toString()).build()
            : header;
    return parse(read(document), named);
  }

  /** Reads a report from the bytes of a document. */
  public ParseDocumentResponse parse(byte[] document, DocumentHeader header) {
    return upload(
        DocumentServiceGrpc.newStub(channel)::parseDocument,
        ParseDocumentRequest.newBuilder().setHeader(header).build(),
        document,
        chunk -> ParseDocumentRequest.newBuilder().setChunk(chunk).build());
  }

  /** Registers the organs of a file, .csv or .xlsx. */
  public ImportOrgansResponse importOrgans(Path file, ImportOrgansHeader header) {
    return importOrgans(read(file), header);
  }

  /** Registers the organs that the bytes of a file name. */
  public ImportOrgansResponse importOrgans(byte[] file, ImportOrgansHeader header) {
    return upload(
        OrganServiceGrpc.newStub(channel)::importOrgans,
        ImportOrgansRequest.newBuilder().setHeader(header).build(),
        file,
        chunk -> ImportOrgansRequest.newBuilder().setChunk(chunk).build());
  }

  /** Changes as they happen: close what is returned. */
  public Watch watch(WatchChangesRequest request) {
    return new Watch(reports(), request, connection::isShutdown);
  }

  /** Calls stubs, and tells what they throw by the error of this package. */
  public <T> T call(Supplier<T> calls) {
    try {
      return calls.get();
    } catch (io.grpc.StatusRuntimeException e) {
      throw NianbaoException.of(e);
    }
  }

  /** The methods for reports. */
  public ReportServiceGrpc.ReportServiceBlockingStub reports() {
    return ReportServiceGrpc.newBlockingStub(channel);
  }

  /** The methods for organs. */
  public OrganServiceGrpc.OrganServiceBlockingStub organs() {
    return OrganServiceGrpc.newBlockingStub(channel);
  }

  /** The methods for sums. */
  public AggregateServiceGrpc.AggregateServiceBlockingStub aggregates() {
    return AggregateServiceGrpc.newBlockingStub(channel);
  }

  /** The methods for documents: they stream, so the stub is the asynchronous one. */
  public DocumentServiceGrpc.DocumentServiceStub documents() {
    return DocumentServiceGrpc.newStub(channel);
  }

  /** The methods for the form and the rules. */
  public FormatServiceGrpc.FormatServiceBlockingStub formats() {
    return FormatServiceGrpc.newBlockingStub(channel);
  }

  /** The methods for operators. */
  public AdminServiceGrpc.AdminServiceBlockingStub admin() {
    return AdminServiceGrpc.newBlockingStub(channel);
  }

  /** The channel for stubs of other kinds, such as {@code ReportServiceGrpc.newFutureStub}. */
  public Channel channel() {
    return channel;
  }

  /** Ends the connection; calls that are under way may end within some seconds. */
  @Override
  public void close() {
    connection.shutdown();
    try {
      if (connection.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    connection.shutdownNow();
  }

  private static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  /** Sends a header and then the bytes in pieces, and waits for the one answer. */
  private static <Q, R> R upload(
      Function<StreamObserver<R>, StreamObserver<Q>> method,
      Q header,
      byte[] bytes,
      Function<ByteString, Q> piece) {
    CompletableFuture<R> answer = new CompletableFuture<>();
    StreamObserver<Q> outgoing =
        method.apply(
            new StreamObserver<>() {
              @Override
              public void onNext(R value) {
                answer.complete(value);
              }

              @Override
              public void onError(Throwable failure) {
                answer.completeExceptionally(failure);
              }

              @Override
              public void onCompleted() {
                answer.completeExceptionally(
                    new IllegalStateException("a call that went well has an answer"));
              }
            });
    outgoing.onNext(header);
    for (int from = 0; from < bytes.length && !answer.isDone(); from += CHUNK_BYTES) {
      int size = Math.min(CHUNK_BYTES, bytes.length - from);
      outgoing.onNext(piece.apply(ByteString.copyFrom(bytes, from, size)));
    }
    outgoing.onCompleted();
    try {
      return answer.join();
    } catch (CompletionException e) {
      throw NianbaoException.of(e.getCause());
    }
  }
}
