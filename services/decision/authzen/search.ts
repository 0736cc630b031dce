/**
 * The three searches (AuthZEN 1.0, "Search APIs"): every candidate that the policy exposes is evaluated as in mode `ask`, and the allowed ones
 * are the result. A page ends when it is full, when enough candidates were evaluated, or when time is short; its token says where the next one
 * begins, and is valid for this search under this policy. A candidate that could not be judged ends the page before it, or, if it is the first,
 * makes the search an error: nothing is left out silently. The work is done in pieces, the list and each candidate, and ends when the caller
 * leaves. Candidates are not recorded one by one: a search is not a decision, and nobody may enforce it as one.
 */
import { createHash } from "node:crypto";
import { type Decision, deny, type DenyReason, isAllow } from "../../../core/domain/decision.ts";
import type { Entity, Question } from "../../../core/domain/question.ts";
import type { Pause } from "../../../platform/shared-pause.ts";
import type { CandidateList, Search } from "./ports.ts";
import type { Deadline } from "../ports.ts";
import { unjudged } from "./unjudged.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
/** Candidates evaluated for one page. */
const MAX_LOOKED_AT = 2_000;
/** A page that runs out of time ends with what it has. */
const RESERVE_MS = 20;

export type Page = { readonly token?: string | undefined; readonly limit?: number | undefined };

type Found =
  | {
      readonly kind: "found";
      readonly results: readonly ({ readonly type: string; readonly id: string } | { readonly name: string })[];
      readonly page: { readonly next_token: string; readonly count: number } | undefined;
    }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "fault"; readonly reason: DenyReason; readonly retry: boolean }
  | Extract<CandidateList, { kind: "none" }>;

type SearchDeps = {
  readonly list: (asked: Search) => CandidateList;
  /** What would be decided now. */
  readonly decide: (question: Question, deadline: Deadline) => Promise<Decision>;
  readonly pause: Pause;
};

type Terms = { readonly deadline: Deadline; readonly isGone: () => boolean };

export async function search(
  { list, decide, pause }: SearchDeps,
  asked: Search,
  page: Page | undefined,
  { deadline, isGone }: Terms,
): Promise<Found> {
  const isOver = () => isGone() || deadline.leftMs() < RESERVE_MS;
  await pause();
  if (isOver()) return TOO_LATE;
  const listed = list(asked);
  if (listed.kind === "fault") return { ...listed, retry: unjudged(listed.reason) === 503 };
  if (listed.kind !== "candidates") return listed;
  const all = listed.entities.filter((entity) => asked.sought === "action" || entity.type === typeSought(asked));
  const mark = markOf(asked, listed.revision);
  const begin = page?.token === undefined || page.token === "" ? 0 : placeIn(page.token, mark);
  if (begin === undefined || begin > all.length) {
    return { kind: "refused", why: "the page token is of another search, or of a policy that is no longer active" };
  }
  const limit = Math.min(page?.limit === undefined || page.limit === 0 ? DEFAULT_LIMIT : page.limit, MAX_LIMIT);
  const found: Entity[] = [];
  let at = begin;
  for (; at < all.length && found.length < limit && at - begin < MAX_LOOKED_AT; at++) {
    const entity = all[at];
    if (entity === undefined) break;
    await pause();
    const decision = isOver() ? deny("deadline_exceeded") : await decide(questionFor(asked, entity), deadline);
    const status = decision.kind === "deny" ? unjudged(decision.reason) : undefined;
    if (decision.kind === "deny" && status !== undefined) {
      if (at > begin) break; // the next page begins here, and reports it if it is still so
      return { kind: "fault", reason: decision.reason, retry: status === 503 };
    }
    if (isAllow(decision)) found.push(entity);
  }
  const next = at < all.length ? Buffer.from(`${at}.${mark}`).toString("base64url") : "";
  return {
    kind: "found",
    results: found.map(({ type, id }) => (asked.sought === "action" ? { name: id } : { type, id })),
    page: page === undefined && next === "" ? undefined : { next_token: next, count: found.length },
  };
}

const TOO_LATE: Found = { kind: "fault", reason: "deadline_exceeded", retry: true };

function typeSought({ sought, question }: Search): string {
  return sought === "subject" ? question.subject.type : question.resource.type;
}

/** NB: properties that the caller states of what is sought are not the candidate's; those it brings along count. */
function questionFor({ sought, question }: Search, entity: Entity): Question {
  if (sought === "action") return { ...question, action: { name: entity.id, properties: entity.properties } };
  return { ...question, [sought]: entity };
}

function markOf(asked: Search, revision: string): string {
  return createHash("sha256")
    .update(JSON.stringify([revision, asked]))
    .digest("base64url")
    .slice(0, 22);
}

function placeIn(token: string, mark: string): number | undefined {
  const [at = "", of] = Buffer.from(token, "base64url").toString("latin1").split(".");
  return of === mark && /^\d{1,9}$/.test(at) ? Number(at) : undefined;
}
