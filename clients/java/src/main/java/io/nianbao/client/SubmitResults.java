package io.nianbao.client;

import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.nianbao.v1.ReportServiceGrpc.ReportServiceStub;
import io.nianbao.v1.SubmitReportsRequest;
import io.nianbao.v1.SubmitReportsResponse;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
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

  private final Iterator<Submission> source;
  private final Deque<Submission> underWay = new ArrayDeque<>();
  private final BlockingQueue<Arrival> arrived = new LinkedBlockingQueue<>();
  private final Outgoing outgoing = new Outgoing();
  private boolean sourceEnded;

  SubmitResults(ReportServiceStub stub, Iterator<Submission> source) {
    this.source = source;
    stub.submitReports(outgoing);
  }

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

  @Override
  public boolean hasNext() {
    while (!sourceEnded && underWay.size() < WINDOW) {
      if (source.hasNext()) {
        send(source.next());
      } else {
        sourceEnded = true;
        outgoing.call.onCompleted();
      }
    }
    return !underWay.isEmpty();
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
    return new SubmitResult(underWay.remove(), arrival.answer);
  }

  /** Ends the stream. What was sent and not answered may still be taken. */
  @Override
  public void close() {
    outgoing.call.cancel("closed by its reader", null);
  }

  private void send(Submission submission) {
    if (submission.isChecked()) {
      close();
      throw new IllegalArgumentException("the stream answers each item: none is checked before");
    }
    boolean named = !submission.request().getRequestId().isEmpty();
    boolean stored = !submission.request().getValidateOnly();
    Submission sent = named || !stored ? submission : submission.contentRequestId();
    underWay.add(sent);
    outgoing.call.onNext(SubmitReportsRequest.newBuilder().setSubmission(sent.request()).build());
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
