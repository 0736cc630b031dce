/**
 * Names under which a caller sent what an upstream could take for a header that an allow sets or removes: an identity header of ours, or one that
 * the policy names. Some upstreams read every character that is neither letter nor digit as the same one: for them `x.user` is `x-user`
 * (oauth2-proxy CVE-2025-64484), while Envoy replaces and removes by the exact name. Our gateway folds names by itself
 * (enforcers/node/header-changes.ts).
 */
import type { ResponseFields } from "../../../core/domain/decision.ts";
import { foldedName } from "../../../platform/http/folded-name.ts";
import type { Evaluation } from "../ports.ts";

/** NB: an account is a pair (OpenID Connect Core section 5.7): one issuer's `dana` is not another's. */
const IDENTITY_HEADERS = [
  "countersign-subject",
  "countersign-issuer",
  "countersign-decision-id",
  "countersign-grant-id",
] as const;

/** Every way to write an identity header with `-` and `_`. */
export const IDENTITY_SPELLINGS: readonly string[] = IDENTITY_HEADERS.flatMap((name) =>
  name
    .split("-")
    .reduce<string[]>(
      (starts, part) =>
        starts.length === 0 ? [part] : starts.flatMap((start) => [`${start}-${part}`, `${start}_${part}`]),
      [],
    ),
);

const IDENTITY_LENGTHS = new Set<number>(IDENTITY_HEADERS.map(({ length }) => length));

export function isIdentity(name: string): boolean {
  if (!IDENTITY_LENGTHS.has(name.length)) return false; // most names, and for free
  const folded = foldedName(name);
  return IDENTITY_HEADERS.some((known) => known === folded);
}

/** In lower case, as they came. NB: no name that the policy itself sets: Envoy removes after it has set. */
export function sentSpellings({ call }: Evaluation, response: ResponseFields): readonly string[] {
  const sent = [...(call.http?.headers.keys() ?? [])];
  const { headers, requestHeadersToRemove } = response;
  if (headers.length === 0 && requestHeadersToRemove.length === 0) return sent.filter(isIdentity);
  const named = [...headers.map(([name]) => name), ...requestHeadersToRemove].map((name) => name.toLowerCase());
  const exact = new Set(named);
  const folded = new Set(named.map(foldedName));
  return sent.filter((name) => isIdentity(name) || (!exact.has(name) && folded.has(foldedName(name))));
}
