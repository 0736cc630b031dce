/**
 * The binding token of the Access Request profile (draft 1, "Denial Binding Claims"): a compact JWS (EdDSA) in which a decision service says that
 * a question was denied and may be requested. It points to the denial on the stream, which alone says what was offered to whom; it allows
 * nothing, and only the denied person can submit it.
 *
 * NB: signed with the key of the denials. A signature over an envelope can never pass for one of these: that input begins with a length
 * (core/messages/envelope.ts), this one with `eyJ`. `typ` separates tokens of other kinds.
 */
import { type Id, id } from "../domain/id.ts";
import { type Instant, parseRfc3339, rfc3339 } from "../domain/time.ts";
import type { Signer, Verifier } from "../messages/signing.ts";
import { parseCompactJwt } from "./compact-jwt.ts";

const TYPE = "countersign-binding+jwt";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Of clocks: how far in the future a token may have been issued. */
const SKEW_MS = 60_000;

type Binding = {
  readonly denialId: Id<"denial">;
  readonly denialExpiresAt: Instant;
  /** Of the denied question: core/messages/question-binding.ts. */
  readonly hash: string;
  readonly contextMembers: readonly string[];
};

/** Who says it to whom: the decision point's identifier and the access request endpoint. */
type Parties = { readonly issuer: string; readonly audience: string };

export function signBindingToken(
  signer: Signer,
  { denialId, denialExpiresAt, hash, contextMembers }: Binding,
  { issuer, audience, now, tokenId }: Parties & { readonly now: Instant; readonly tokenId: string },
): string {
  const header = { alg: "EdDSA", kid: signer.kid, typ: TYPE };
  const claims = {
    iss: issuer,
    aud: audience,
    iat: Math.floor(now / 1_000),
    exp: Math.floor(denialExpiresAt / 1_000),
    jti: tokenId,
    evaluation_id: denialId,
    denial_expires_at: rfc3339(denialExpiresAt),
    binding_context_members: contextMembers,
    binding_hash: hash,
  };
  const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${input}.${signer.sign(Buffer.from(input)).toString("base64url")}`;
}

export type ReadBinding =
  | { readonly kind: "binding"; readonly binding: Binding }
  /** Forged, changed, of another kind, for somebody else: all alike. */
  | { readonly kind: "refused"; readonly reason: "invalid" | "expired" };

/** Never throws. `issuers`: decision points whose tokens count here. */
export function readBindingToken(
  verifier: Verifier,
  token: string,
  { issuers, audience, now }: { readonly issuers: readonly string[]; readonly audience: string; readonly now: Instant },
): ReadBinding {
  const invalid = { kind: "refused", reason: "invalid" } as const;
  const parsed = parseCompactJwt(token);
  if (parsed?.algorithm !== "EdDSA" || parsed.type !== TYPE || parsed.kid === undefined) return invalid;
  if (!verifier.verify(parsed.kid, parsed.signed, parsed.signature)) return invalid;
  const { iss, aud, iat, exp, jti, evaluation_id, denial_expires_at, binding_context_members, binding_hash } =
    parsed.claims;
  if (typeof iss !== "string" || !issuers.includes(iss)) return invalid;
  if (!(Array.isArray(aud) ? aud : [aud]).includes(audience)) return invalid;
  if (typeof iat !== "number" || typeof exp !== "number" || typeof jti !== "string") return invalid;
  if (typeof evaluation_id !== "string" || !UUID.test(evaluation_id) || typeof binding_hash !== "string")
    return invalid;
  if (!Array.isArray(binding_context_members)) return invalid;
  const contextMembers = binding_context_members.filter((name) => typeof name === "string");
  const denialExpiresAt = timeIn(denial_expires_at);
  if (contextMembers.length !== binding_context_members.length || denialExpiresAt === undefined) return invalid;
  if (iat * 1_000 > now + SKEW_MS || exp * 1_000 > denialExpiresAt) return invalid;
  if (now >= exp * 1_000) return { kind: "refused", reason: "expired" };
  const denialId = id("denial", evaluation_id);
  return { kind: "binding", binding: { denialId, denialExpiresAt, hash: binding_hash, contextMembers } };
}

function timeIn(value: unknown): Instant | undefined {
  try {
    return typeof value === "string" ? parseRfc3339(value) : undefined;
  } catch {
    return undefined;
  }
}
