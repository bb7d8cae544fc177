package io.nianbao.client;

import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.nianbao.v1.Refusal;
import io.nianbao.v1.ReportServiceGrpc.ReportServiceStub;
import io.nianbao.v1.SubmitReportsRequest;
import io.nianbao.v1.SubmitReportsResponse;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * The answers to a stream of submissions, one an item, in the order of the items. Items are taken
 * from their source as answers are read, a few ahead.
 *
 * <p>After a break nobody knows of the items without an answer whether they were taken: submit all
 * of them again. Their request ids are made of their content, so that what was taken is answered
 * with its first answer.
 */
public final class SubmitResults implements Iterator<SubmitResult>, AutoCloseable {
  /** So many items are under way; the server takes twice as many before it reads no further. */
  private static final int WINDOW = 32;

  /** What a server takes as one message; a larger one would end the stream for all after it. */
  private static final int MESSAGE_BYTES_MAX = 4 << 20;

  private final Iterator<Submission> source;
  private final Deque<Sent> underWay = new ArrayDeque<>();
  private final BlockingQueue<Arrival> arrived = new LinkedBlockingQueue<>();
  private final Outgoing outgoing = new Outgoing();
  private boolean sourceEnded;
  private RuntimeException sourceFailure;
  private long done;

  SubmitResults(ReportServiceStub stub, Iterator<Submission> source) {
    this.source = source;
    stub.submitReports(outgoing);
  }

  /** An item that was sent, or refused here. */
  private record Sent(Submission submission, Optional<SubmitReportsResponse> refusedHere) {}

  /** What the network brought: an answer, a failure, or (without either) the end. */
  private record Arrival(SubmitReportsResponse answer, Throwable failure) {}

  private final class Outgoing
      implements ClientResponseObserver<SubmitReportsRequest, SubmitReportsResponse> {
    private ClientCallStreamObserver<SubmitReportsRequest> call;

    @Override
    public void beforeStart(ClientCallStreamObserver<SubmitReportsRequest> stream) {
      call = stream;
    }

    @Override
    public void onNext(SubmitReportsResponse answer) {
      arrived.add(new Arrival(answer, null));
    }

    @Override
    public void onError(Throwable failure) {
      arrived.add(new Arrival(null, failure));
    }

    @Override
    public void onCompleted() {
      arrived.add(new Arrival(null, null));
    }
  }

  /** Whether an item waits for its answer; throws what the source threw when none does. */
  @Override
  public boolean hasNext() {
    while (!sourceEnded && underWay.size() < WINDOW) {
      sendNext();
    }
    if (underWay.isEmpty() && sourceFailure != null) {
      throw sourceFailure;
    }
    return !underWay.isEmpty();
  }

  private void sendNext() {
    try {
      if (source.hasNext()) {
        send(source.next());
        return;
      }
    } catch (RuntimeException e) {
      // What was sent before it is answered first.
      sourceFailure = e;
    }
    sourceEnded = true;
    outgoing.call.onCompleted();
  }

  /**
   * The answer to the next item.
   *
   * @throws NianbaoException where the stream broke
   */
  @Override
  public SubmitResult next() {
    if (!hasNext()) {
      throw new NoSuchElementException("every item was answered");
    }
    Optional<SubmitReportsResponse> refused = underWay.element().refusedHere();
    if (refused.isPresent()) {
      return result(refused.get());
    }
    Arrival arrival = await();
    if (arrival.answer == null) {
      // Whoever asks again must not wait for what cannot come.
      arrived.add(arrival);
      Throwable failure =
          arrival.failure != null
              ? arrival.failure
              : Status.UNAVAILABLE
                  .withDescription("the stream ended before every item was answered")
                  .asRuntimeException();
      throw NianbaoException.of(failure);
    }
    return result(arrival.answer);
  }

  private SubmitResult result(SubmitReportsResponse answer) {
    // The server counts only what was sent.
    SubmitReportsResponse counted = answer.toBuilder().setIndex(done++).build();
    return new SubmitResult(underWay.remove().submission(), counted);
  }

  /** Ends the stream. What was sent and not answered may still be taken. */
  @Override
  public void close() {
    outgoing.call.cancel("closed by its reader", null);
  }

  private void send(Submission submission) {
    if (submission.isChecked()) {
      throw new IllegalArgumentException("the stream answers each item: none is checked before");
    }
    boolean named = !submission.request().getRequestId().isEmpty();
    boolean stored = !submission.request().getValidateOnly();
    Submission sent = named || !stored ? submission : submission.contentRequestId();
    SubmitReportsRequest message =
        SubmitReportsRequest.newBuilder().setSubmission(sent.request()).build();
    if (message.getSerializedSize() > MESSAGE_BYTES_MAX) {
      underWay.add(new Sent(sent, Optional.of(tooLarge(message.getSerializedSize()))));
      return;
    }
    underWay.add(new Sent(sent, Optional.empty()));
    outgoing.call.onNext(message);
  }

  private static SubmitReportsResponse tooLarge(int bytes) {
    Refusal refusal =
        Refusal.newBuilder()
            .setCode(Status.Code.INVALID_ARGUMENT.value())
            .setReason("REPORT_TOO_LARGE")
            .setMessageEn("the report of %d bytes is larger than a message may be".formatted(bytes))
            .setMessageZh("报告有 %d 字节，超过单个消息的上限".formatted(bytes))
            .build();
    return SubmitReportsResponse.newBuilder().setRefusal(refusal).build();
  }

  private Arrival await() {
    try {
      return arrived.take();
    } catch (InterruptedException e) {
      close();
      Thread.currentThread().interrupt();
      throw NianbaoException.of(Status.CANCELLED.withCause(e).asRuntimeException());
    }
  }
}
