/**
 * The layout of the request digest. A review must send the digest of what the reviewer saw (rule 6), so it covers everything that a reviewer
 * decides on, with wire names: whoever has these parts can recompute it as SHA-256 over their RFC 8785 form. The denied call is among them, since
 * a call that could not be bound has no binding digest that would represent it.
 *
 * NB: reviewers see the digest, and all parts except the field hashes and the binding digest. Without `salted`, a short query or body could be
 * guessed: a guess gives the hashes, and they the digest.
 */
import { unreachable } from "./app-error.ts";
import type { AccessRequest, Requester } from "./access-request.ts";
import type { DeniedCall } from "./denial.ts";
import type { Digest } from "./id.ts";
import type { Requirement } from "./requirement.ts";
import type { Limits } from "./routing.ts";
import type { Json } from "./subject.ts";
import { rfc3339 } from "./time.ts";

/** The parts of a request that exist before it is routed. */
export type DigestedRequest = Pick<
  AccessRequest,
  "id" | "denialId" | "requester" | "submittedBy" | "call" | "offer" | "justification" | "requested" | "policyRevision"
>;

/** The call as a request keeps it: with one hash more, of no field, which nobody can guess. `salt` is random, and shown to nobody. */
export function salted(call: DeniedCall, salt: Digest): DeniedCall {
  return { ...call, fieldHashes: { ...call.fieldHashes, salt } };
}

/** What routing adds to them. */
type DigestedRouting = Pick<AccessRequest, "requirement" | "limits">;

export function requestDigestParts(draft: DigestedRequest, { requirement, limits }: DigestedRouting): Json {
  const { elevation, binding } = draft.offer;
  const { call, submittedBy } = draft;
  return {
    request_id: draft.id,
    denial_id: draft.denialId,
    ...requesterParts(draft.requester),
    // Left out instead of null, as in digests from before it was stored.
    ...(submittedBy === undefined ? {} : { submitted_by: requesterParts(submittedBy) }),
    call: {
      protocol: call.protocol,
      method: call.method,
      authority: call.authority,
      path: call.path,
      masked_query: call.maskedQuery,
      body_bytes: call.bodyBytes ?? null,
      field_hashes: { ...call.fieldHashes },
      source_address: call.sourceAddress ?? null,
    },
    elevation: {
      entitlement: elevation.entitlement,
      scope: elevation.scope,
      title: elevation.title,
      display: elevation.display.map((line) => ({ ...line })),
      approvers_hint: elevation.approversHint ?? null,
      risk: elevation.risk,
      binding: elevation.binding,
      bind_headers: elevation.bindHeaders,
      max_uses: elevation.maxUses,
      max_duration_ms: elevation.maxDuration,
      justification: { required: elevation.justification.required, min_length: elevation.justification.minLength },
    },
    binding_digest: binding.kind === "digest" ? binding.digest : null,
    justification: draft.justification,
    requested: {
      max_uses: draft.requested.maxUses,
      duration_ms: draft.requested.duration,
      not_before: draft.requested.notBefore === undefined ? null : rfc3339(draft.requested.notBefore),
      ...(draft.requested.notAfter === undefined ? {} : { not_after: rfc3339(draft.requested.notAfter) }),
      binding: draft.requested.binding,
    },
    requirement: requirement === undefined ? null : requirementParts(requirement),
    limits: limits === undefined ? null : limitsParts(limits),
    policy_revision: draft.policyRevision,
  };
}

/** Whoever asked, in wire names: as digested and as shown. */
export function requesterParts({ person, issuer, subject, actors }: Requester) {
  const chain = actors.map((actor) => ({ ...actor }));
  return { person: person === undefined ? null : { ...person }, issuer, subject, actors: chain };
}

function limitsParts({ maxUses, maxDuration }: Limits): Json {
  return { max_uses: maxUses ?? null, max_duration_ms: maxDuration ?? null };
}

/** A requirement in wire names; also how it is stored and shown. */
export function requirementParts(requirement: Requirement): Json {
  switch (requirement.kind) {
    case "one_from":
      return requirement.set.kind === "group"
        ? { group: requirement.set.group, realm: requirement.set.realm }
        : { person: requirement.set.person.id, realm: requirement.set.person.realm };
    case "all_of":
      return { all_of: requirement.of.map(requirementParts) };
    case "any_of":
      return { any_of: requirement.of.map(requirementParts) };
    case "stages":
      return { stages: requirement.of.map(requirementParts) };
    case "n_of":
      return { n_of: { n: requirement.n, of: requirement.of.map(requirementParts) } };
    default:
      throw unreachable(requirement satisfies never);
  }
}
