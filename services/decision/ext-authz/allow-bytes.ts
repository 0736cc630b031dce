/**
 * The bytes of an allow. Allows from one policy result that tell the upstream the same (account, grant) differ only in the decision id, and ids
 * have one length. So the first is encoded with an id that no decision has, and each answer is a copy with its own id in those places. The
 * encoding depends only on the result and on what the upstream is told; the cache key is both.
 *
 * NB: only for what core/domain/decision.ts made as an allow, and only if the caller sent nothing that must be removed; everything else is
 * encoded by check-response.ts, which also makes the cached bytes.
 */
import { isAllow, type ResponseFields } from "../../../core/domain/decision.ts";
import { id } from "../../../core/domain/id.ts";
import { AuthorizationService } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { Evaluated, Evaluation } from "../ports.ts";
import { okResponse, ownHeaders } from "./check-response.ts";
import { sentSpellings } from "./sent-spellings.ts";

type Pattern = { readonly bytes: Buffer; readonly places: readonly number[] };

const NOBODYS_ID = id("decision", "00000000-0000-7000-8000-000000000000");
/** In a header for the upstream and in the dynamic metadata. */
const PLACES = 2;
const MAX_PATTERNS = 4_096;
const MAX_PATTERN_BYTES = 4_096;

/** Undefined if check-response.ts has to answer. */
type AllowBytes = (evaluated: Evaluated, evaluation: Evaluation) => Buffer | undefined;

export function createAllowBytes(): AllowBytes {
  const numbers = new WeakMap<ResponseFields, number>();
  const patterns = new Map<string, Pattern | "none">();
  let numbered = 0;

  /** The same policy result is the same object, so its number identifies its content. */
  function numberOf(fields: ResponseFields): number {
    const number = numbers.get(fields) ?? (numbered += 1);
    numbers.set(fields, number);
    return number;
  }

  return (evaluated, evaluation) => {
    const { decision, subject } = evaluated;
    if (!isAllow(decision) || sentSpellings(evaluation, decision.response).length > 0) return undefined;
    const { response } = decision;
    const own = ownHeaders(decision, subject, NOBODYS_ID);
    const key = own.reduce(
      (before, [name, value]) => `${before} ${name}=${value.length}:${value}`,
      `${numberOf(response)}`,
    );
    let pattern = patterns.get(key);
    if (pattern === undefined) {
      pattern = patternOf(response, own);
      if (patterns.size >= MAX_PATTERNS) patterns.clear();
      patterns.set(key, pattern);
    }
    return pattern === "none" ? undefined : filled(pattern, evaluation.decisionId);
  };
}

function patternOf(response: ResponseFields, own: ReturnType<typeof ownHeaders>): Pattern | "none" {
  const answer = okResponse({ response, own, decisionId: NOBODYS_ID, sent: [] });
  const bytes = AuthorizationService.check.responseSerialize(answer);
  const places: number[] = [];
  for (let at = bytes.indexOf(NOBODYS_ID); at >= 0; at = bytes.indexOf(NOBODYS_ID, at + 1)) places.push(at);
  return places.length === PLACES && bytes.length <= MAX_PATTERN_BYTES ? { bytes, places } : "none";
}

function filled({ bytes, places }: Pattern, decisionId: string): Buffer {
  const copy = Buffer.from(bytes);
  for (const at of places) copy.write(decisionId, at, "latin1");
  return copy;
}
