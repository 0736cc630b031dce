/**
 * Denials from the decision services: signature, then shape and digests (recomputed from the carried fields), then the record
 * key, then the command. A forged denial, and one whose display and digest disagree, are refused here.
 */
import type { Denial } from "../../../core/domain/denial.ts";
import { readDenial } from "../../../core/messages/denial-record.ts";
import { openEnvelope } from "../../../core/messages/envelope.ts";
import { unknownVersion } from "../../../core/messages/parse.ts";
import type { Verifier } from "../../../core/messages/signing.ts";
import type { Origin } from "./ports.ts";
import type { ReadRecord } from "./quarantine.ts";

/** The command; commits the effect and settles the origin, or refuses and does neither. */
type AcceptDenial = (command: {
  readonly denial: Denial;
  readonly origin: Origin;
}) => Promise<{ readonly kind: "accepted" } | { readonly kind: "refused"; readonly reason: string }>;

/** `verifier` knows the decision services' keys. */
export function createDenialReader(
  { verifier, accept }: { readonly verifier: Verifier; readonly accept: AcceptDenial },
  { deployment }: { readonly deployment: string },
): ReadRecord {
  return async (record, origin) => {
    const { topic, key } = record;
    if (key === null) return { kind: "refused", reason: "malformed", detail: "no key" };
    const opened = openEnvelope(verifier, { deployment, topic, key }, record);
    if (opened.kind === "fault") return { kind: "refused", reason: opened.reason, detail: "envelope" };
    const read = readDenial(opened.payload);
    if (read.kind === "malformed") {
      const reason = unknownVersion(opened.payload) === undefined ? "malformed" : "version_unknown";
      return { kind: "refused", reason, detail: read.detail };
    }
    const denial = read.value;
    if (denial.key !== key)
      return { kind: "refused", reason: "malformed", detail: "the record key is not the denial key" };
    const outcome = await accept({ denial, origin });
    if (outcome.kind === "refused") return { kind: "refused", reason: outcome.reason, detail: "command" };
    return { kind: "taken" };
  };
}
