/**
 * The decision log. Each boot of a decision service is one log `pdp/<kid>/<boot>` with a gap-free index from 0 (`log_opened`); each record names
 * the hash of the one before. The hash is the RFC 6962 leaf hash of the record, so a consumer detects loss, change and repetition without us. On
 * `countersign.decisions.v1` records travel in batches, so that one signature covers many; NB: the envelope's key id must be the one in the log
 * id.
 */
import { type Static, Type } from "typebox";
import { type Digest, digest } from "../domain/id.ts";
import { endAfter, type LogEntry, type LogEnd, type Standing, standing } from "../domain/log-chain.ts";
import { leafHash } from "./hashing.ts";
import { createParser } from "./parse.ts";

const closed = { additionalProperties: false } as const;
const Sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
const optionalText = Type.Union([Type.String(), Type.Null()]);

const linkFields = {
  v: Type.Literal(1),
  log: Type.String({ pattern: "^pdp/[A-Za-z0-9._-]+/[0-9a-f-]{36}$" }),
  index: Type.Integer({ minimum: 0 }),
  prev: Sha256,
  time: Type.String(),
};

const LogOpenedSchema = Type.Object(
  { ...linkFields, kind: Type.Literal("log_opened"), policy_revision: optionalText },
  closed,
);

/** `tail`: `complete` after a drain; `recovered` when the next start closed it from what the spool still held. */
const LogClosedSchema = Type.Object(
  {
    ...linkFields,
    kind: Type.Literal("log_closed"),
    tail: Type.Union([Type.Literal("complete"), Type.Literal("recovered")]),
  },
  closed,
);

const PolicyAskedSchema = Type.Object(
  { host: Type.String(), duration_us: Type.Integer({ minimum: 0 }), outcome: Type.String() },
  closed,
);

const LoggedDecisionSchema = Type.Object(
  {
    ...linkFields,
    kind: Type.Literal("decision"),
    decision_id: Type.String(),
    outcome: Type.Union([Type.Literal("allow"), Type.Literal("deny"), Type.Literal("needs_approval")]),
    reason: optionalText,
    reasons: Type.Array(Type.String()),
    subject: Type.Union([
      Type.Object(
        {
          issuer: Type.String(),
          id: Type.String(),
          actors: Type.Array(Type.Object({ issuer: Type.String(), id: Type.String() }, closed)),
        },
        closed,
      ),
      Type.Null(),
    ]),
    /**
     * The API client that asked, as its configuration names it. NB: then the account is what the client stated, and no credential of that account
     * was seen. Absent for a check, and for somebody who asked with a token of their own.
     */
    client: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9._-]{1,64}$" })),
    method: Type.String(),
    authority: Type.String(),
    path: Type.String(),
    masked_query: Type.String(),
    source_address: optionalText,
    /** Of the source address, by the database that the policy was told of; absent where it knows none. */
    country: Type.Optional(Type.String({ pattern: "^[A-Z]{2}$" })),
    policy_revision: optionalText,
    /** What the evaluation cost, in fuel; absent where there was none. Equal inputs have equal costs. */
    policy_fuel: Type.Optional(Type.Integer({ minimum: 0 })),
    /** Whom the policy asked for it, over the network; absent where nobody was. */
    policy_asked: Type.Optional(Type.Array(PolicyAskedSchema)),
    entitlements: Type.Array(Type.String()),
    denial_id: optionalText,
    grant_id: optionalText,
    request_id: optionalText,
    grant_reason: optionalText,
    redeemed: Type.Boolean(),
    mode: Type.Union([Type.Literal("enforce"), Type.Literal("ask")]),
    duration_us: Type.Integer({ minimum: 0 }),
    traceparent: optionalText,
  },
  closed,
);

export const DecisionLogRecordSchema = Type.Union([LogOpenedSchema, LogClosedSchema, LoggedDecisionSchema]);
export type DecisionLogRecord = Static<typeof DecisionLogRecordSchema>;
export type LoggedDecision = Static<typeof LoggedDecisionSchema>;

export function decisionRecordHash(record: DecisionLogRecord): Digest {
  return leafHash(record);
}

/** Its link of the chain. @throws AppError invalid_record when the record has no canonical form */
export function logEntryOf(record: DecisionLogRecord): LogEntry {
  return {
    index: BigInt(record.index),
    previous: digest(record.prev),
    hash: decisionRecordHash(record),
    closes: record.kind === "log_closed",
  };
}

/** One envelope: consecutive records of one log. */
const DecisionBatchSchema = Type.Object(
  { v: Type.Literal(1), log: Type.String(), records: Type.Array(DecisionLogRecordSchema, { minItems: 1 }) },
  closed,
);
export type DecisionBatch = Static<typeof DecisionBatchSchema>;

export const readDecisionBatch = createParser(DecisionBatchSchema);

/** The log of one boot of the decision service that signs with `kid`. */
export function decisionLogId(kid: string, boot: string): string {
  return `pdp/${kid}/${boot}`;
}

/**
 * Why a batch does not hang together, or undefined: every record of the batch's log, index and hash without a gap, and
 * the log one that this key may write.
 */
export function batchFault(batch: DecisionBatch, kid: string): string | undefined {
  if (!batch.log.startsWith(`pdp/${kid}/`)) return "the key may not write this log";
  let end: LogEnd | undefined;
  for (const record of batch.records) {
    if (record.log !== batch.log) return "a record of another log";
    const entry = logEntryOf(record);
    const at = end === undefined ? "next" : standing(entry, end);
    if (at !== "next") return INSIDE[at];
    end = endAfter(entry);
  }
  return undefined;
}

const INSIDE: { readonly [At in Exclude<Standing, "next">]: string } = {
  known: "an index twice inside the batch",
  ahead: "a gap inside the batch",
  chain_broken: "a broken chain inside the batch",
  log_closed: "a record behind the one that closes the log",
};
