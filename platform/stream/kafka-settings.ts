/**
 * How to reach Kafka, and which of kafkajs's defaults we change: no retries inside the client (we retry where the order is known), no topics
 * created by first use, a deadline on every request. TLS always verifies the broker; there is no switch for it.
 */
import type { ConnectionOptions } from "node:tls";
import type { ISocketFactory, KafkaConfig, logCreator, SASLOptions } from "kafkajs";
import kafkajs from "kafkajs";
import type { Log } from "../log/log.ts";

export interface KafkaSettings {
  /** `host:port` of some brokers; the others are learnt from them. */
  readonly brokers: readonly string[];
  /** Shown in broker logs and quotas. */
  readonly clientId: string;
  /** PEM texts. Absent: plain text connections. An empty object: TLS with the system's roots. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: {
    readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
    readonly username: string;
    readonly password: string;
  };
  readonly connectTimeoutMs?: number;
  /** A request without answer for so long is a fault of its connection. */
  readonly requestTimeoutMs?: number;
}

export function clientConfig(settings: KafkaSettings, socketFactory: ISocketFactory, log: Log) {
  const { tls, sasl } = settings;
  const ssl: ConnectionOptions | undefined = tls === undefined ? undefined : { ...tls, rejectUnauthorized: true };
  return {
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    connectionTimeout: settings.connectTimeoutMs ?? 3_000,
    requestTimeout: settings.requestTimeoutMs ?? 10_000,
    enforceRequestTimeout: true,
    // NB: of connecting and metadata only; the producer has its own. A new client begins at the head of the list, so without this it would
    // never get past a first broker that is down.
    retry: { retries: settings.brokers.length - 1, initialRetryTime: 50, maxRetryTime: 500 },
    socketFactory,
    logLevel: kafkajs.logLevel.WARN,
    logCreator: logTo(log),
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
  } satisfies KafkaConfig;
}

function saslOptions({ mechanism, username, password }: NonNullable<KafkaSettings["sasl"]>): SASLOptions {
  switch (mechanism) {
    case "plain":
      return { mechanism, username, password };
    case "scram-sha-256":
      return { mechanism, username, password };
    case "scram-sha-512":
      return { mechanism, username, password };
    default:
      throw new Error(`unknown SASL mechanism: ${String(mechanism satisfies never)}`);
  }
}

/** kafkajs calls every lost connection an error. We report those once, where they matter; its own words are for debugging. */
function logTo(log: Log): logCreator {
  return () =>
    ({ namespace, log: { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...rest } }) =>
      log.debug({ event: "kafka_client", namespace, ...rest }, message);
}
