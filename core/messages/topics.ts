/**
 * The topics: names, who signs what on them, and how they have to be set up. One table, so that the command that prints
 * or creates them, the services that verify them and the document that describes them cannot differ.
 */

export type TopicName = "denials" | "decisions" | "state" | "audit";

export type Topic = {
  readonly name: string;
  /** `null` is the deployment's choice; the state topic must be one partition, or heartbeats would say nothing of the others. */
  readonly partitions: 1 | null;
  readonly cleanup: "delete" | "compact";
  readonly retentionMs: number | undefined;
  readonly writer: "decision" | "approval";
  readonly key: string;
};

const DAY_MS = 24 * 3_600_000;

export const TOPICS: Readonly<Record<TopicName, Topic>> = {
  denials: {
    name: "countersign.denials.v1",
    partitions: null,
    cleanup: "delete",
    retentionMs: DAY_MS,
    writer: "decision",
    key: "denial key",
  },
  decisions: {
    name: "countersign.decisions.v1",
    partitions: null,
    cleanup: "delete",
    retentionMs: 7 * DAY_MS,
    writer: "decision",
    key: "log id",
  },
  state: {
    name: "countersign.state.v1",
    partitions: 1,
    cleanup: "compact",
    retentionMs: undefined,
    writer: "approval",
    key: "kind/id, or heartbeat",
  },
  audit: {
    name: "countersign.audit.v1",
    partitions: null,
    cleanup: "delete",
    retentionMs: 30 * DAY_MS,
    writer: "approval",
    key: "log id",
  },
};

/** A record above this is refused by every consumer and made by no producer. */
export const MAX_RECORD_BYTES = 64 * 1024;
