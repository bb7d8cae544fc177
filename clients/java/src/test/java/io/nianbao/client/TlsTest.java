package io.nianbao.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.grpc.ServerCredentials;
import io.grpc.Status;
import io.grpc.TlsServerCredentials;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TlsTest {
  private static final Path FOLDER = Path.of("..", "..", "target", "clients", "tls");
  private static final Path CERTIFICATE = FOLDER.resolve("cert.pem");
  private static final Path KEY = FOLDER.resolve("key.pem");

  @BeforeAll
  static void makeCertificate() throws IOException, InterruptedException {
    Path script = Path.of("..", "make-certificate");
    Process process = new ProcessBuilder(script.toString(), FOLDER.toString()).inheritIO().start();
    assertEquals(0, process.waitFor());
  }

  private static ServerCredentials certificate(TlsServerCredentials.ClientAuth clients)
      throws IOException {
    return TlsServerCredentials.newBuilder()
        .keyManager(CERTIFICATE.toFile(), KEY.toFile())
        .trustManager(CERTIFICATE.toFile())
        .clientAuth(clients)
        .build();
  }

  private static int submit(NianbaoClientBuilder builder) {
    try (NianbaoClient client = builder.deadline(Duration.ofSeconds(5)).build()) {
      return client.submit(Samples.sound("java-test-tls")).getFindingsCount();
    }
  }

  @Test
  void aServerOfATrustedCertificateIsCalled() throws IOException {
    try (StubServer server = new StubServer(certificate(TlsServerCredentials.ClientAuth.NONE))) {
      assertEquals(0, submit(NianbaoClient.builder(server.target()).tls(CERTIFICATE)));
    }
  }

  @Test
  void aServerOfAnUnknownCertificateIsNotCalled() throws IOException {
    try (StubServer server = new StubServer(certificate(TlsServerCredentials.ClientAuth.NONE))) {
      NianbaoException error =
          assertThrows(
              NianbaoException.class, () -> submit(NianbaoClient.builder(server.target()).tls()));
      assertEquals(Status.Code.UNAVAILABLE, error.code());
      assertEquals(0, server.seen.size());
    }
  }

  @Test
  void aServerThatAsksForACertificateGetsIt() throws IOException {
    try (StubServer server = new StubServer(certificate(TlsServerCredentials.ClientAuth.REQUIRE))) {
      NianbaoClientBuilder nobody = NianbaoClient.builder(server.target()).tls(CERTIFICATE);
      assertThrows(NianbaoException.class, () -> submit(nobody));

      NianbaoClientBuilder known = NianbaoClient.builder(server.target()).tls(CERTIFICATE);
      assertEquals(0, submit(known.clientCertificate(CERTIFICATE, KEY)));
    }
  }

  @Test
  void aCertificateThatIsNotThereIsNamed() {
    UncheckedIOException error =
        assertThrows(
            UncheckedIOException.class,
            () -> NianbaoClient.builder("localhost:1").tls(Path.of("nowhere.pem")));

    assertEquals(true, error.getMessage().contains("nowhere.pem"));
  }
}
