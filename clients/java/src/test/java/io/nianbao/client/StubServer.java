package io.nianbao.client;

import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.nianbao.v1.Change;
import io.nianbao.v1.GetReportRequest;
import io.nianbao.v1.ListReportsRequest;
import io.nianbao.v1.ListReportsResponse;
import io.nianbao.v1.Receipt;
import io.nianbao.v1.Report;
import io.nianbao.v1.ReportServiceGrpc;
import io.nianbao.v1.SubmitReportRequest;
import io.nianbao.v1.SubmitReportResponse;
import io.nianbao.v1.SubmitReportsRequest;
import io.nianbao.v1.SubmitReportsResponse;
import io.nianbao.v1.WatchChangesRequest;
import io.nianbao.v1.WatchChangesResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A server of a few methods that fails as it is told and notes what it was asked. */
final class StubServer extends ReportServiceGrpc.ReportServiceImplBase implements AutoCloseable {
  static final int PAGES = 3;

  /** A watch of that organ hears nothing more after its first messages. */
  static final String SILENT = "organs/silent";

  /** A watch of that organ is refused with a reason after its first messages. */
  static final String REFUSING = "organs/refusing";

  /** So many calls fail with UNAVAILABLE before one is answered. */
  final AtomicInteger failures = new AtomicInteger();

  /** Each attempt: a request id, a page token or a position. */
  final List<String> seen = new CopyOnWriteArrayList<>();

  final List<String> principals = new CopyOnWriteArrayList<>();

  private final Server server;

  StubServer() {
    this(InsecureServerCredentials.create());
  }

  StubServer(ServerCredentials credentials) {
    InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    try {
      server =
          NettyServerBuilder.forAddress(any, credentials)
              .addService(this)
              .intercept(new Principals())
              .build()
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String target() {
    return "127.0.0.1:" + server.getPort();
  }

  NianbaoClient client() {
    return NianbaoClient.builder(target()).plaintext().build();
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  private final class Principals implements ServerInterceptor {
    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
      Metadata.Key<String> key =
          Metadata.Key.of("nianbao-principal", Metadata.ASCII_STRING_MARSHALLER);
      Iterable<String> names = headers.getAll(key);
      principals.add(names == null ? "null" : String.join(" ", names));
      return next.startCall(call, headers);
    }
  }

  private boolean fails(StreamObserver<?> answer) {
    if (failures.getAndDecrement() <= 0) {
      return false;
    }
    answer.onError(Status.UNAVAILABLE.withDescription("as told").asRuntimeException());
    return true;
  }

  @Override
  public void submitReport(
      SubmitReportRequest request, StreamObserver<SubmitReportResponse> answer) {
    seen.add(request.getRequestId());
    if (!fails(answer)) {
      answer.onNext(SubmitReportResponse.getDefaultInstance());
      answer.onCompleted();
    }
  }

  @Override
  public StreamObserver<SubmitReportsRequest> submitReports(
      StreamObserver<SubmitReportsResponse> answer) {
    return new StreamObserver<>() {
      private long index;
      private boolean failed;

      @Override
      public void onNext(SubmitReportsRequest item) {
        seen.add(item.getSubmission().getRequestId());
        failed = failed || fails(answer);
        if (!failed) {
          answer.onNext(SubmitReportsResponse.newBuilder().setIndex(index++).build());
        }
      }

      @Override
      public void onError(Throwable failure) {
        seen.add("cancelled");
      }

      @Override
      public void onCompleted() {
        if (!failed) {
          answer.onCompleted();
        }
      }
    };
  }

  /** Never answers, so that the deadline must. */
  @Override
  public void getReport(GetReportRequest request, StreamObserver<Report> answer) {
    seen.add(request.getName());
  }

  @Override
  public void listReports(ListReportsRequest request, StreamObserver<ListReportsResponse> answer) {
    seen.add(request.getPageToken());
    int page = request.getPageToken().isEmpty() ? 1 : Integer.parseInt(request.getPageToken());
    ListReportsResponse.Builder response = ListReportsResponse.newBuilder();
    if (page != 2) {
      response.addReports(Report.newBuilder().setName("page-" + page));
    }
    response.setNextPageToken(page == PAGES ? "" : Integer.toString(page + 1));
    answer.onNext(response.build());
    answer.onCompleted();
  }

  /** One change and one heartbeat a call, and then the connection is lost. */
  @Override
  public void watchChanges(
      WatchChangesRequest request, StreamObserver<WatchChangesResponse> answer) {
    seen.add(request.getAfter() + (request.getFromNow() ? "now" : ""));
    if (fails(answer)) {
      return;
    }
    int at = request.getAfter().isEmpty() ? 0 : Integer.parseInt(request.getAfter());
    answer.onNext(
        WatchChangesResponse.newBuilder()
            .setPosition(Integer.toString(at + 1))
            .setChange(Change.getDefaultInstance())
            .setReceipt(Receipt.getDefaultInstance())
            .build());
    answer.onNext(WatchChangesResponse.newBuilder().setPosition(Integer.toString(at + 2)).build());
    if (request.getOrgan().equals(SILENT)) {
      return;
    }
    if (request.getOrgan().equals(REFUSING)) {
      answer.onError(NianbaoExceptionTest.refusal("POSITION_NOT_REACHED", Status.Code.UNAVAILABLE));
    } else if (at == 0) {
      answer.onError(Status.UNAVAILABLE.asRuntimeException());
    } else if (at == 2) {
      answer.onCompleted();
    } else {
      answer.onError(Status.DATA_LOSS.asRuntimeException());
    }
  }
}
