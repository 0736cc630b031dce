/**
 * The settings of a Kafka connection for @platformatic/kafka, and which of its defaults we change: no retries inside the client, no topics
 * created by first use, a deadline on every request. TLS always verifies the broker.
 */
import type { BaseOptions, Consumer, SASLOptions } from "@platformatic/kafka";
import type { SettingsNow } from "./kafka-config.ts";
import type { KafkaSettings } from "./kafka-settings.ts";

export function baseOptions(settings: KafkaSettings): BaseOptions {
  const { brokers, clientId, tls, sasl, requestTimeoutMs = 10_000 } = settings;
  // Of several brokers one that is silent is waited for before the next is asked; a packet that is lost once comes again within a second.
  const { connectTimeoutMs = brokers.length > 1 ? 1_500 : 3_000 } = settings;
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    timeout: requestTimeoutMs,
    retries: 0,
    metadataMaxAge: 60_000,
    autocreateTopics: false,
    ...(tls === undefined ? {} : { tls: { ...tls, rejectUnauthorized: true }, tlsServerName: true }),
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
  };
}

/**
 * Each time the list begins one broker further. NB: a client asks in the order of its list at each look for metadata, so without this every new
 * one would first wait for a first broker that is silent.
 */
export function rotating(now: SettingsNow): SettingsNow {
  let opened = 0;
  return () => {
    const settings = now();
    const first = opened % settings.brokers.length;
    opened += 1;
    return { ...settings, brokers: [...settings.brokers.slice(first), ...settings.brokers.slice(0, first)] };
  };
}

function saslOptions({ mechanism, username, password }: NonNullable<KafkaSettings["sasl"]>): SASLOptions {
  switch (mechanism) {
    case "plain":
      return { mechanism: "PLAIN", username, password };
    case "scram-sha-256":
      return { mechanism: "SCRAM-SHA-256", username, password };
    case "scram-sha-512":
      return { mechanism: "SCRAM-SHA-512", username, password };
    default:
      throw new Error(`unknown SASL mechanism: ${String(mechanism satisfies never)}`);
  }
}

/** Connects to the first broker that answers. Not `connectToBrokers`: that wants all of them, also those that are down. */
export async function reach(client: Pick<Consumer, "metadata">): Promise<void> {
  await client.metadata({ topics: [] });
}

/** Breaks every connection of a client: its own `close` waits for what a frozen broker never reads. */
export function breakConnections(client: {
  readonly connections: Iterable<readonly [string, { readonly socket?: { destroy(error?: Error): void } | undefined }]>;
  close(): Promise<void>;
}): void {
  for (const [, { socket }] of client.connections) socket?.destroy();
  client.close().catch(() => {}); // it is gone either way
}
