/** What the parts of the Kafka suite are given: an adapter, a real broker, and the adapter's way to it. */
import type { StreamDeps } from "../../../platform/stream/assemble.ts";
import type { StreamConnection } from "../../../platform/stream/connection.ts";
import type { KafkaStreamOptions } from "../../../platform/stream/kafka.ts";
import type { KafkaConfig } from "../../../platform/stream/kafka-config.ts";
import type { KafkaSettings } from "../../../platform/stream/kafka-settings.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import type { TestKafka } from "../../harness/kafka.ts";
import type { TcpProxy } from "../../harness/tcp-proxy.ts";

export interface KafkaAdapter {
  /** By this name a configuration asks for it. */
  readonly client: NonNullable<KafkaConfig["client"]>;
  createStream(deps: StreamDeps, options: KafkaStreamOptions): EventStream;
  openConnection(settings: KafkaSettings): Promise<StreamConnection>;
}

export interface KafkaBroker {
  readonly broker: TestKafka;
  /** Stands before `broker.proxied`. */
  readonly proxy: TcpProxy;
  readonly client: KafkaAdapter["client"];
  readonly createStream: KafkaAdapter["createStream"];
  open(options?: Partial<KafkaStreamOptions>, onFatal?: (error: Error) => void): EventStream;
  openConnection(): Promise<Pick<StreamConnection, "fetch"> & AsyncDisposable>;
  newTopic(config?: Record<string, string>, partitions?: number): Promise<string>;
}
