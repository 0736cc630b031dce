/** What the set that tests start (`../system.ts`) can be other than by itself. */
import type { EnvoyCluster } from "../envoy.ts";
import type { OtlpCollector } from "../otlp-collector.ts";
import type { ApprovalSettings } from "./approval.ts";
import type { DecisionSettings } from "./decision.ts";

export type SystemOptions = {
  /** In the database in place of Kafka. */
  readonly stream?: "postgres";
  /** How many decision services Envoy takes turns with; 1 unless given. */
  readonly decisions?: number;
  /** How many approval services there are; 1 unless given. */
  readonly approvals?: number;
  /** Each sees a configuration and answers what it should be. */
  readonly decisionSettings?: (settings: DecisionSettings) => object;
  readonly approvalSettings?: (settings: ApprovalSettings) => object;
  /** Sees the address of the database and answers what the approval services are given. */
  readonly databaseUrl?: (own: string) => string;
  /** Given the main file of a service, from the root, and a folder to write to: answers what is run in its place. */
  readonly replaceMain?: (main: string, folder: string) => Promise<string>;
  /** In place of the bootstrap's clusters of the same name. */
  readonly envoyClusters?: readonly EnvoyCluster[];
  /** With the broker's listeners for SASL and TLS, for who wants them. */
  readonly secureKafka?: boolean;
  /** Where everybody, Envoy too, sends spans. */
  readonly collector?: Pick<OtlpCollector, "port" | "endpoint">;
};
