package io.nianbao.client;

import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.nianbao.v1.ReportServiceGrpc.ReportServiceBlockingStub;
import io.nianbao.v1.WatchChangesRequest;
import io.nianbao.v1.WatchChangesResponse;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Changes as they happen, without end. Where the connection is lost, or the server stops, it goes
 * on from the last position when the server is there again. Each change comes at least once.
 *
 * <p>One thread reads it; any thread may close it, which ends the reading.
 */
public final class Watch implements Iterator<WatchChangesResponse>, AutoCloseable {
  private static final long FIRST_PAUSE_MILLIS = 200;
  private static final long LONGEST_PAUSE_MILLIS = 30_000;

  private final ReportServiceBlockingStub stub;
  private final WatchChangesRequest request;
  private final Context.CancellableContext context = Context.current().withCancellation();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final BooleanSupplier clientClosed;
  private volatile String position;
  private boolean begun;
  private Iterator<WatchChangesResponse> stream;
  private WatchChangesResponse ahead;
  private long pauseMillis = FIRST_PAUSE_MILLIS;

  Watch(ReportServiceBlockingStub stub, WatchChangesRequest request, BooleanSupplier clientClosed) {
    this.stub = stub;
    this.clientClosed = clientClosed;
    this.request = request;
    this.position = request.getAfter();
  }

  /**
   * The position up to which everything was sent, heartbeats included: where another watch goes on
   * from. Empty before the first message of a watch that was given none.
   */
  public String position() {
    return position;
  }

  /**
   * Waits for the next change; {@code false} after {@link #close}, and after that of the client.
   *
   * @throws NianbaoException where the server refuses the watch, or is not there to begin with
   */
  @Override
  public boolean hasNext() {
    while (ahead == null && !context.isCancelled()) {
      try {
        if (stream == null) {
          stream = context.wrap(() -> stub.watchChanges(resumed())).call();
        }
        if (stream.hasNext()) {
          take(stream.next());
        } else {
          pause();
        }
      } catch (StatusRuntimeException e) {
        if (context.isCancelled() || clientClosed.getAsBoolean()) {
          return false;
        }
        NianbaoException error = NianbaoException.of(e);
        // With a reason the server itself has spoken, such as of a position that it does not have.
        boolean lost = error.code() == Status.Code.UNAVAILABLE && error.reasonText().isEmpty();
        if (!begun || !lost) {
          throw error;
        }
        pause();
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException("a stub throws what is unchecked", e);
      }
    }
    return ahead != null && !context.isCancelled();
  }

  @Override
  public WatchChangesResponse next() {
    if (!hasNext()) {
      throw new NoSuchElementException("the watch was closed");
    }
    WatchChangesResponse change = ahead;
    ahead = null;
    return change;
  }

  /** Ends the watch. */
  @Override
  public void close() {
    closed.countDown();
    context.cancel(null);
  }

  private void take(WatchChangesResponse message) {
    position = message.getPosition();
    begun = true;
    pauseMillis = FIRST_PAUSE_MILLIS;
    // A heartbeat has no receipt. A change of a kind that this schema does not know has one.
    if (message.hasReceipt()) {
      ahead = message;
    }
  }

  private WatchChangesRequest resumed() {
    return position.isEmpty()
        ? request
        : request.toBuilder().setAfter(position).setFromNow(false).build();
  }

  private void pause() {
    stream = null;
    try {
      boolean ended = closed.await(pauseMillis, TimeUnit.MILLISECONDS);
      pauseMillis = ended ? pauseMillis : Math.min(2 * pauseMillis, LONGEST_PAUSE_MILLIS);
    } catch (InterruptedException e) {
      close();
      Thread.currentThread().interrupt();
    }
  }
}
