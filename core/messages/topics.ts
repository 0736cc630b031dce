/**
 * The topics: names, who signs what on them, who reads them, and how they must be set up. One table, so that the command that prints or creates
 * them (`npm run topics`), the services that verify them and the document that describes them cannot differ. What follows for a broker:
 * topic-setup.ts.
 */

export type TopicName = "denials" | "decisions" | "state" | "audit";

/** `auditor` is whoever consumes the record from outside: a SIEM, `cli/verify.ts`. */
export type TopicReader = "decision" | "approval" | "auditor";

export type Topic = {
  readonly name: string;
  /** `null` is the deployment's choice; the state topic must be one partition, or heartbeats would say nothing of the others. */
  readonly partitions: 1 | null;
  readonly cleanup: "delete" | "compact";
  readonly retentionMs: number | undefined;
  /** Of a compacted topic: how soon a record may be compacted. A reader starts at the beginning and reads at least so much. */
  readonly segmentMs: number | undefined;
  readonly writer: "decision" | "approval";
  readonly readers: readonly TopicReader[];
  readonly key: string;
};

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const TOPICS: Readonly<Record<TopicName, Topic>> = {
  denials: {
    name: "countersign.denials.v1",
    partitions: null,
    cleanup: "delete",
    retentionMs: DAY_MS,
    segmentMs: undefined,
    writer: "decision",
    readers: ["approval"],
    key: "denial key",
  },
  decisions: {
    name: "countersign.decisions.v1",
    partitions: null,
    cleanup: "delete",
    retentionMs: 7 * DAY_MS,
    segmentMs: undefined,
    writer: "decision",
    readers: ["approval"],
    key: "log id",
  },
  state: {
    name: "countersign.state.v1",
    partitions: 1,
    cleanup: "compact",
    retentionMs: undefined,
    segmentMs: HOUR_MS,
    writer: "approval",
    readers: ["decision", "approval"],
    key: "kind/id, or heartbeat",
  },
  audit: {
    name: "countersign.audit.v1",
    partitions: null,
    cleanup: "delete",
    retentionMs: 30 * DAY_MS,
    segmentMs: undefined,
    writer: "approval",
    readers: ["auditor"],
    key: "log id",
  },
};

/** An acknowledged record is on at least so many brokers, where there are so many replicas. */
export const MIN_INSYNC_REPLICAS = 2;

/** A record above this is refused by every consumer and made by no producer. */
export const MAX_RECORD_BYTES = 64 * 1024;
