import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";

import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";

/** A server in this process. */
export class Stub implements AsyncDisposable {
  readonly #server: http2.Http2Server;
  readonly #sessions = new Set<http2.ServerHttp2Session>();

  private constructor(server: http2.Http2Server) {
    this.#server = server;
    server.on("session", (session) => {
      this.#sessions.add(session);
      session.on("close", () => this.#sessions.delete(session));
    });
  }

  static async start(
    routes: (router: ConnectRouter) => void,
    tls?: http2.SecureServerOptions,
    port = 0,
  ): Promise<Stub> {
    const handler = connectNodeAdapter({ routes });
    const server =
      tls === undefined
        ? http2.createServer(handler)
        : (http2.createSecureServer(tls, handler) as http2.Http2Server);
    // A client that distrusts the certificate is what some tests are about.
    server.on("sessionError", () => undefined);
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return new Stub(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Breaks all connections, and takes new ones. */
  breakConnections(): void {
    this.#sessions.forEach((session) => {
      session.destroy();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.breakConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A service config that tries again quickly. */
export function quickRetries(
  names: readonly { service: string; method?: string }[],
  timeout?: string,
) {
  return {
    methodConfig: [
      {
        name: names,
        ...(timeout === undefined ? {} : { timeout }),
        retryPolicy: {
          maxAttempts: 4,
          initialBackoff: "0.005s",
          maxBackoff: "0.02s",
          backoffMultiplier: 2,
          retryableStatusCodes: ["UNAVAILABLE"],
        },
      },
    ],
  };
}
