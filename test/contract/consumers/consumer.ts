/** What the suite asks of a consumer, whatever topic it reads, and the pens that records for it are written with. */
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { type EnvelopeAddress, type EnvelopeForm, sealEnvelope } from "../../../core/messages/envelope.ts";
import { createSigner, createVerifier, type Signer } from "../../../core/messages/signing.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import type { EventStream, OutgoingRecord } from "../../../platform/stream/port.ts";

export const DEPLOYMENT = "test";

/** A good record, not yet sealed. */
export type Good = {
  readonly topic: string;
  readonly key: string;
  readonly version: number;
  readonly payload: object;
  /** How often it has had its effect. */
  effects(): Promise<number>;
};

type KindOfState = (typeof KINDS_OF_STATE)[number];
/** Kinds of records on the state topic. */
export const KINDS_OF_STATE = ["grants", "incidents", "profiles"] as const;

/**
 * Each good record has its effect exactly once, however often and wherever it comes again. A record that is the last of its key may be read and
 * set again, as all are after a restart: nothing changes by that, so it is no effect. An older one that stands again is one too many, and so is
 * a second row.
 */
export type Consumer = AsyncDisposable & {
  readonly name: "denials" | "decisions" | KindOfState;
  readonly topics: readonly { readonly topic: string; readonly partitions: number }[];
  start(stream: EventStream): void;
  /** The next good record under one of several keys, each record with an effect of its own. */
  next(key: number): Good;
  /** Effects so far, of all records. */
  effects(): Promise<number>;
  /** Records refused so far for this reason; for any when there is none given. */
  refused(reason?: string): Promise<number>;
};

export type Pens = {
  readonly right: Signer;
  /** Known to the readers as well, for something else. */
  readonly other: Signer;
  /** The right key under a name that nobody knows, and under the other's. */
  readonly unnamed: Signer;
  readonly misnamed: Signer;
  /** A key that nobody knows under the right name. */
  readonly stranger: Signer;
};

function privatePem(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

function publicPem(privatePem: string): string {
  return createPublicKey(privatePem).export({ type: "spki", format: "pem" }).toString();
}

/** The log ids of decisions begin with the name of the right key. */
export function createPens() {
  const [right, other] = [privatePem(), privatePem()];
  const pens: Pens = {
    right: createSigner("right", right),
    other: createSigner("other", other),
    unnamed: createSigner("unnamed", right),
    misnamed: createSigner("other", right),
    stranger: createSigner("right", privatePem()),
  };
  const verifier = createVerifier(
    new Map([
      ["right", publicPem(right)],
      ["other", publicPem(other)],
    ]),
  );
  return { pens, verifier };
}

/** What the honest writer of a topic signs: a few decisions by their digest, all else as it is. */
export function formOf(topic: string): EnvelopeForm {
  return topic === TOPICS.decisions.name ? "digest" : "payload";
}

/** As `signer` would have written it; `place` in place of where it belongs. */
export function sealed(
  good: Pick<Good, "topic" | "key" | "version" | "payload">,
  signer: Signer,
  place: Partial<EnvelopeAddress> = {},
): OutgoingRecord {
  const { topic, key, version, payload } = good;
  const bytes = Buffer.from(JSON.stringify(payload), "utf8");
  const address = { deployment: DEPLOYMENT, topic, key, ...place };
  return { topic, key, ...sealEnvelope(signer, address, version, bytes, formOf(topic)) };
}
