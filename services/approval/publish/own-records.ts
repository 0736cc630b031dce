/**
 * Remembers what a relay has signed and sent until it reads it again from the topic: a record that is byte for byte what was sent under its key
 * need not be verified, which costs more than signing did. Any other record must be. The last record of each key is remembered, so there are as
 * many as are in transit.
 */
import { ENVELOPE_HEADERS, type SealedEnvelope } from "../../../core/messages/envelope.ts";
import type { Verifier } from "../../../core/messages/signing.ts";
import type { StreamRecord } from "../../../platform/stream/port.ts";

type OwnRecords = {
  /** Before it can be read. */
  sending(key: string, record: SealedEnvelope): void;
  /** Whether it is the last one that was sent under its key, and was not read before. */
  isOwn(record: Pick<StreamRecord, "key" | "value" | "headers">): boolean;
};

/** NB: only for a record that `isOwn`: its signature is the one that this process made over these very bytes. */
export const KNOWN_AS_OWN: Verifier = { verify: () => true };

const NAMES = Object.values(ENVELOPE_HEADERS);

export function createOwnRecords(): OwnRecords {
  const onTheirWay = new Map<string, SealedEnvelope>();
  return {
    sending(key, record) {
      onTheirWay.set(key, record);
    },
    isOwn({ key, value, headers }) {
      const sent = key === null ? undefined : onTheirWay.get(key);
      if (key === null || sent === undefined || value === null || !sent.value.equals(value)) return false;
      if (!NAMES.every((name) => headers.get(name)?.toString("utf8") === sent.headers.get(name))) return false;
      onTheirWay.delete(key);
      return true;
    },
  };
}
