/**
 * Makes the denial that somebody may submit: offers with their digests, hashes of the bound fields, masked text for people. Of the call itself
 * only method, authority and path are included in plain (rule 9); query values never are.
 */
import { chainParts } from "../../../core/domain/actor-chain.ts";
import { type BoundField, layOutBinding, PLAIN_FIELDS } from "../../../core/domain/binding.ts";
import { DENIAL_LIFETIME, type Denial, type DeniedCall, type Offer } from "../../../core/domain/denial.ts";
import type { Digest, Id } from "../../../core/domain/id.ts";
import { maskQuery } from "../../../core/domain/mask-query.ts";
import { namedCall } from "../../../core/domain/question.ts";
import { type Instant, plus } from "../../../core/domain/time.ts";
import { bindingDigest, fieldHash } from "../../../core/messages/binding-digest.ts";
import { hashParts } from "../../../core/messages/hashing.ts";
import { questionHash, questionHashes } from "../../../core/messages/question-binding.ts";
import { denialKey } from "../../../core/messages/record-keys.ts";
import type { Ask, Evaluation, GrantQuery, Requestable } from "../ports.ts";

/**
 * An offer for each elevation that can be requested for this call. A `scope` elevation carries the digest when the call
 * is bindable, so that it can be narrowed to it; an `exact` one without a digest is no offer. Of a connection or a question none ever is:
 * that is said apart, since it is the policy that has to change and not the call.
 */
export function offersFor({ subject, elevations, http }: GrantQuery): Requestable {
  const offers: Offer[] = [];
  let refusal: Extract<Requestable, { kind: "unbindable" }>["reason"] = "body_not_bindable";
  for (const elevation of elevations) {
    const layout = layOutBinding({
      issuer: subject.issuer,
      subject: subject.id,
      http,
      bindHeaders: elevation.bindHeaders,
      hasDisplay: elevation.display.length > 0,
    });
    if (layout.kind === "bindable") {
      offers.push({ elevation, binding: { kind: "digest", digest: bindingDigest(layout.fields) } });
    } else if (elevation.binding === "scope") {
      offers.push({ elevation, binding: layout });
    } else {
      refusal = http === undefined ? "exact_needs_http" : layout.reason;
    }
  }
  const [first, ...rest] = offers;
  return first === undefined
    ? { kind: "unbindable", reason: refusal }
    : { kind: "requestable", offers: [first, ...rest] };
}

export function denialKeyOf({ evaluation, subject, offers, policyRevision }: Ask): Digest {
  const { justification } = evaluation;
  return denialKey({ issuer: subject.issuer, subject: subject.id, policyRevision, offers, justification });
}

/**
 * Denials of the same key, of the same question and to the same chain of actors are one for a while. NB: of the same question, since it is what
 * a submission is held against, and to the same chain, since it is who reviewers see and whom a grant is for; the key alone is about what is offered.
 */
export function reuseKeyOf(ask: Ask): Digest {
  const { question } = ask.evaluation;
  const chain = chainParts(ask.subject.actors);
  if (question === undefined && chain.length === 0) return denialKeyOf(ask);
  return hashParts([denialKeyOf(ask), question === undefined ? "" : questionHash(question), ...chain]);
}

/** `sourceAddress` is derived from the trusted proxies. */
export function mintDenial(
  ask: Ask,
  { id, key, now, sourceAddress }: { id: Id<"denial">; key: Digest; now: Instant; sourceAddress: string | undefined },
): Denial {
  const { evaluation, subject, offers, policyRevision } = ask;
  return {
    id,
    key,
    decisionId: evaluation.decisionId,
    mintedAt: now,
    expiresAt: plus(now, DENIAL_LIFETIME),
    subject,
    call: deniedCall(ask, sourceAddress),
    offers,
    policyRevision,
    justification: evaluation.justification,
    traceparent: evaluation.traceparent,
  };
}

function deniedCall(ask: Ask, sourceAddress: string | undefined): DeniedCall {
  const { protocol, call } = ask.evaluation;
  const { http } = call;
  const named = calledOf(ask.evaluation);
  return {
    protocol,
    ...named,
    maskedQuery: maskQuery(http?.query ?? ""),
    bodyBytes: http?.body.kind === "bytes" ? http.body.bytes.length : undefined,
    fieldHashes: fieldHashes(ask),
    sourceAddress,
  };
}

function calledOf({ call: { http }, question }: Evaluation): Pick<DeniedCall, "method" | "authority" | "path"> {
  if (question !== undefined) return namedCall(question);
  return { method: http?.method ?? "", authority: http?.authority ?? "", path: http?.path ?? "" };
}

/** Hashes of every field that any offer binds, by name: enough to recompute each digest. For a question, also its hash. */
function fieldHashes({ evaluation, subject, offers }: Ask): { readonly [name: string]: Digest } {
  const hashes: Record<string, Digest> = Object.create(null);
  const add = (field: BoundField) => {
    hashes[field.name] = fieldHash(field);
  };
  const bindHeaders = [
    ...new Set(offers.flatMap(({ elevation, binding }) => (binding.kind === "digest" ? elevation.bindHeaders : []))),
  ];
  const { http } = evaluation.call;
  const layout = layOutBinding({ issuer: subject.issuer, subject: subject.id, http, bindHeaders, hasDisplay: true });
  if (layout.kind === "bindable") {
    for (const field of layout.fields) add(field);
    return hashes;
  }
  const plain: Readonly<Record<(typeof PLAIN_FIELDS)[number], string>> = {
    issuer: subject.issuer,
    subject: subject.id,
    ...calledOf(evaluation),
  };
  for (const name of PLAIN_FIELDS) add({ name, values: [plain[name]] });
  return evaluation.question === undefined ? hashes : Object.assign(hashes, questionHashes(evaluation.question));
}
