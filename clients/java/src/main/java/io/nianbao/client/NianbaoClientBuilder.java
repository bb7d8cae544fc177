package io.nianbao.client;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannelBuilder;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/** How to connect. Whether by TLS or in plaintext must be said: neither is the default. */
public final class NianbaoClientBuilder {
  /** A report and all that goes with it, so that a call with the largest one can be repeated. */
  private static final long RETRIED_BYTES_MAX = 4L << 20;

  /**
   * A connection that is silent for so long, with calls under way, is asked whether it lives: what
   * drops it on the way often says nothing, and a watch would wait for ever.
   */
  private static final long KEEP_ALIVE_SECONDS = 60;

  private static final Pattern PRINCIPAL = Pattern.compile("[ -~]{0,128}");

  private final String target;
  private boolean plaintext;
  private TlsChannelCredentials.Builder tls;
  private String principal = "";
  private Optional<Duration> deadline = Optional.empty();
  private Consumer<ManagedChannelBuilder<?>> channel = builder -> {};

  NianbaoClientBuilder(String target) {
    this.target = Objects.requireNonNull(target);
    if (target.contains("//") || !target.contains(":")) {
      throw new IllegalArgumentException("the target is host:port, not " + target);
    }
  }

  /** Connects without encryption: within one machine, or behind a proxy that adds it. */
  public NianbaoClientBuilder plaintext() {
    plaintext = true;
    return this;
  }

  /** Connects by TLS to a server whose certificate an authority known to Java has signed. */
  public NianbaoClientBuilder tls() {
    tls = tls == null ? TlsChannelCredentials.newBuilder() : tls;
    return this;
  }

  /** Connects by TLS to a server whose certificate one of that file (PEM) has signed. */
  public NianbaoClientBuilder tls(Path authorities) {
    tls();
    try {
      tls.trustManager(authorities.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + authorities + ": " + e.getMessage(), e);
    }
    return this;
  }

  /** Shows the server a certificate, by its private key (both PEM). Means TLS. */
  public NianbaoClientBuilder clientCertificate(Path certificate, Path key) {
    tls();
    try {
      tls.keyManager(certificate.toFile(), key.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot read " + certificate + " or " + key + ": " + e.getMessage(), e);
    }
    return this;
  }

  /** Calls are made in that name. */
  public NianbaoClientBuilder principal(String name) {
    if (!PRINCIPAL.matcher(name).matches()) {
      throw new IllegalArgumentException("a principal is printable ASCII, 128 bytes at most");
    }
    principal = name;
    return this;
  }

  /** A deadline in place of the published 60 seconds, for the calls that have one. */
  public NianbaoClientBuilder deadline(Duration limit) {
    if (limit.isZero() || limit.isNegative()) {
      throw new IllegalArgumentException("a deadline is a time to come, not " + limit);
    }
    deadline = Optional.of(limit);
    return this;
  }

  /** Sets what else gRPC can be told, such as keep-alive or another authority. */
  public NianbaoClientBuilder channelOptions(Consumer<ManagedChannelBuilder<?>> options) {
    channel = channel.andThen(options);
    return this;
  }

  /** Makes the client; it connects with the first call. */
  public NianbaoClient build() {
    if (plaintext == (tls != null)) {
      throw new IllegalStateException("say either tls() or plaintext()");
    }
    ChannelCredentials credentials = plaintext ? InsecureChannelCredentials.create() : tls.build();
    ManagedChannelBuilder<?> builder =
        Grpc.newChannelBuilder(target, credentials)
            .defaultServiceConfig(ServiceConfig.read(deadline))
            // What a name server might say of deadlines is not what was published.
            .disableServiceConfigLookUp()
            .enableRetry()
            .perRpcBufferLimit(RETRIED_BYTES_MAX)
            .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS);
    channel.accept(builder);
    return new NianbaoClient(builder.build(), principal);
  }
}
