import { readFileSync } from "node:fs";

import type { Interceptor, Transport } from "@connectrpc/connect";
import {
  createGrpcTransport,
  type GrpcTransportOptions,
  Http2SessionManager,
} from "@connectrpc/connect-node";

import { NianbaoClient } from "./client.js";
import { NianbaoError } from "./error.js";
import { publishedServiceConfig } from "./gen/service_config.js";
import { withPolicy } from "./policy.js";
import { readServiceConfig } from "./service-config.js";

/** A connection that is silent for so long, with calls under way, is asked whether it lives. */
const PING_INTERVAL_MS = 60_000;
const PRINCIPAL = /^[ -~]{1,128}$/;

/** Files of PEM for TLS. */
export interface TlsFiles {
  /** The authorities to trust; those of the system where it is not given. */
  readonly ca?: string;
  /** The certificate of the client, with its key. */
  readonly certificate?: string;
  readonly key?: string;
}

/** How a server is reached. */
export interface ConnectOptions {
  /**
   * Whether the connection is encrypted: `"plaintext"`, `"tls"` with the authorities of the system,
   * or the files to use. There is no default, so that nobody sends in the clear unawares.
   */
  readonly security: "plaintext" | "tls" | TlsFiles;
  /** Who calls: up to 128 characters of ASCII. The server believes it from loopback only. */
  readonly principal?: string;
  /**
   * The deadline of calls with one answer, in milliseconds, in place of that of the service config;
   * 0 for none. A call can state its own.
   */
  readonly timeoutMs?: number;
  /** A gRPC service config in place of the published one: deadlines, and what is tried again. */
  readonly serviceConfig?: unknown;
  /** Interceptors of Connect; they see each attempt. */
  readonly interceptors?: Interceptor[];
  /** Further options of Connect's transport, such as `readMaxBytes` or `pingIntervalMs`. */
  readonly transport?: Omit<
    GrpcTransportOptions,
    "baseUrl" | "interceptors" | "nodeOptions" | "sessionManager"
  >;
}

/**
 * Makes a client. Nothing is sent before the first call; the connection stays until `close`.
 *
 * @param target The server, `host:port`.
 * @throws NianbaoError with `INVALID_ARGUMENT` where an option is malformed or a file is missing.
 */
export function connect(target: string, options: ConnectOptions): NianbaoClient {
  if (options.principal !== undefined && !PRINCIPAL.test(options.principal)) {
    throw NianbaoError.invalid(
      "the principal is not printable ASCII of 1 to 128 characters",
      "身份须为1至128个可打印的ASCII字符",
    );
  }
  const baseUrl = urlOf(target, options.security === "plaintext" ? "http" : "https");
  const sessions = new Http2SessionManager(
    baseUrl,
    { pingIntervalMs: PING_INTERVAL_MS, ...options.transport },
    typeof options.security === "object" ? secrets(options.security) : {},
  );
  const transport = createGrpcTransport({
    ...options.transport,
    baseUrl,
    interceptors: options.interceptors ?? [],
    sessionManager: sessions,
  });
  const closed = new AbortController();
  return new NianbaoClient(policed(transport, options, closed.signal), () => {
    closed.abort();
    sessions.abort();
  });
}

function policed(transport: Transport, options: ConnectOptions, closed: AbortSignal): Transport {
  return withPolicy(transport, {
    closed,
    service: readServiceConfig(options.serviceConfig ?? publishedServiceConfig),
    timeoutMs: options.timeoutMs,
    principal: options.principal,
  });
}

function urlOf(target: string, scheme: string): string {
  const text = `${scheme}://${target}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // A path, a user or a missing port would be dropped in silence.
  if (`${url?.origin ?? ""}/` !== url?.href || !/:\d+$/.test(target)) {
    throw NianbaoError.invalid(`not host:port: ${target}`, `服务器地址应为 host:port：${target}`);
  }
  return url.origin;
}

function secrets({ ca, certificate, key }: TlsFiles) {
  if ((certificate === undefined) !== (key === undefined)) {
    throw NianbaoError.invalid(
      "a client certificate wants its key, and a key its certificate",
      "客户端证书与私钥须一并提供",
    );
  }
  return {
    ...(ca === undefined ? {} : { ca: read(ca) }),
    ...(certificate === undefined ? {} : { cert: read(certificate) }),
    ...(key === undefined ? {} : { key: read(key) }),
  };
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const why = String(cause);
    throw NianbaoError.invalid(`cannot read the file: ${why}`, `文件无法读取：${why}`, { cause });
  }
}
