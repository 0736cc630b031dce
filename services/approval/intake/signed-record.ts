/**
 * Checks that both readers make before they look at a record's content: it has a key, a decision service signed it for this topic and deployment,
 * and its shape is of a known version.
 */
import { openEnvelope } from "../../../core/messages/envelope.ts";
import { type Parsed, unknownVersion } from "../../../core/messages/parse.ts";
import type { Verifier } from "../../../core/messages/signing.ts";
import type { StreamRecord } from "../../../platform/stream/port.ts";
import type { Reading } from "./ports.ts";

/** `kid`: of the key that signed it. */
type Signed<T> = { readonly kind: "read"; readonly key: string; readonly kid: string; readonly value: T };

type Refused = Extract<Reading, { readonly kind: "refused" }>;

/** `parse` checks the shape of the payload, and what follows from it. */
export function readSigned<T>(
  record: StreamRecord,
  parse: (payload: Uint8Array) => Parsed<T>,
  { verifier, deployment }: { readonly verifier: Verifier; readonly deployment: string },
): Signed<T> | Refused {
  const { topic, key } = record;
  if (key === null) return refused("malformed", "no key");
  const opened = openEnvelope(verifier, { deployment, topic, key }, record);
  if (opened.kind === "fault") return refused(opened.reason, "envelope");
  const parsed = parse(opened.payload);
  if (parsed.kind === "parsed") return { kind: "read", key, kid: opened.kid, value: parsed.value };
  return refused(unknownVersion(opened.payload) === undefined ? "malformed" : "version_unknown", parsed.detail);
}

/** `reason` is a code; `detail` names places, never values. */
export function refused(reason: string, detail: string): Refused {
  return { kind: "refused", reason, detail };
}
