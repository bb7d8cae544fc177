package io.nianbao.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;

/**
 * What every call gets, of whatever stub: the principal, a request id for a write that has none,
 * and an error that carries its {@link NianbaoException} as the cause.
 */
final class CallInterceptor implements ClientInterceptor {
  private static final Metadata.Key<String> PRINCIPAL =
      Metadata.Key.of("nianbao-principal", Metadata.ASCII_STRING_MARSHALLER);

  private final String principal;

  /** Calls are made in the name of that principal; empty for nobody. */
  CallInterceptor(String principal) {
    this.principal = principal;
  }

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(
      MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    return new Call<>(next.newCall(method, options), method.getType().clientSendsOneMessage());
  }

  private final class Call<Q, R> extends SimpleForwardingClientCall<Q, R> {
    private final boolean oneMessage;
    private volatile String requestId = "";

    Call(ClientCall<Q, R> call, boolean oneMessage) {
      super(call);
      this.oneMessage = oneMessage;
    }

    @Override
    public void start(Listener<R> listener, Metadata headers) {
      // A call may be made in another name.
      if (!principal.isEmpty() && !headers.containsKey(PRINCIPAL)) {
        headers.put(PRINCIPAL, principal);
      }
      super.start(
          new SimpleForwardingClientCallListener<>(listener) {
            @Override
            public void onClose(Status status, Metadata trailers) {
              super.onClose(status.isOk() ? status : told(status, trailers), trailers);
            }
          },
          headers);
    }

    /** Once, above the retries, so that each attempt has the same id. */
    @Override
    public void sendMessage(Q message) {
      Q sent = RequestIds.given(message);
      if (oneMessage) {
        requestId = RequestIds.of(sent);
      }
      super.sendMessage(sent);
    }

    private Status told(Status status, Metadata trailers) {
      return status.withCause(NianbaoException.of(status, trailers, requestId));
    }
  }
}
