/**
 * The parts of kafkajs 2.2.4 below its public consumer that we use, typed by hand. The version is pinned and the project is dormant (last release
 * 2023), so they do not change. Why: kafka-connection.ts.
 */
declare module "kafkajs/src/cluster/index.js" {
  import type { ISocketFactory, Logger, RetryOptions, SASLOptions } from "kafkajs";
  import type { ConnectionOptions } from "node:tls";

  interface ProtocolRequest<T> {
    readonly request: {
      readonly apiKey: number;
      readonly apiVersion: number;
      readonly apiName: string;
      encode(): Promise<unknown>;
    };
    readonly response: { decode(payload: Buffer): Promise<T>; parse(decoded: T): Promise<T> };
  }
  interface OffsetsOfPartition {
    readonly partition: number;
    readonly errorCode: number;
    readonly offset: string;
  }
  interface Broker {
    readonly connectionPool: { send<T>(request: ProtocolRequest<T>): Promise<T> };
    listOffsets(request: {
      replicaId: number;
      isolationLevel: number;
      topics: readonly { topic: string; partitions: readonly { partition: number; timestamp: string }[] }[];
    }): Promise<{ readonly responses: readonly { readonly partitions: readonly OffsetsOfPartition[] }[] }>;
  }
  export default class Cluster {
    constructor(options: {
      logger: Logger;
      socketFactory: ISocketFactory;
      brokers: readonly string[];
      ssl?: ConnectionOptions;
      sasl?: SASLOptions;
      clientId: string;
      connectionTimeout: number;
      requestTimeout: number;
      enforceRequestTimeout: boolean;
      metadataMaxAge: number;
      allowAutoTopicCreation: boolean;
      maxInFlightRequests: number | null;
      isolationLevel: number;
      retry: RetryOptions;
    });
    connect(): Promise<void>;
    addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
    findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number; readonly leader: number }[];
    findBroker(node: { nodeId: number }): Promise<Broker>;
  }
}

declare module "kafkajs/src/network/requestQueue/index.js" {
  export default class RequestQueue {
    throttledUntil: number;
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    readonly pending: readonly unknown[];
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
  }
}

declare module "kafkajs/src/loggers/index.js" {
  import type { Logger, logCreator, logLevel } from "kafkajs";
  const loggers: { createLogger(options: { level: logLevel; logCreator: logCreator }): Logger };
  export default loggers;
}

declare module "kafkajs/src/protocol/requests/fetch/v11/request.js" {
  import type { ProtocolRequest } from "kafkajs/src/cluster/index.js";
  export default function createFetchRequest(fetch: {
    replicaId: number;
    maxWaitTime: number;
    minBytes: number;
    maxBytes: number;
    isolationLevel: number;
    topics: readonly {
      topic: string;
      partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[];
    }[];
  }): ProtocolRequest<never>["request"];
}

declare module "kafkajs/src/protocol/recordBatch/crc32C/index.js" {
  export default function crc32C(buffer: Buffer): number;
}
