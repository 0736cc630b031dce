/**
 * Identifies the caller of REST: a token of a configured issuer, mapped to the account and the person behind it, and whether the account belongs
 * to security. Anonymous calls are refused here for every route, so no route has to check.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Caller as TokenCaller, Party, Subject } from "../../../core/domain/subject.ts";
import { valuesIn } from "../../../platform/http/raw-headers.ts";
import type { People } from "../ports.ts";
import { sendProblem } from "./problem.ts";

/** `isSecurity` is for what security reads; what it writes asks `whyNotSecurity`. */
export type Caller = { readonly party: Party; readonly isSecurity: boolean };

export type CallerDeps = {
  /** Never rejects; a credential that cannot be verified is refused, none is anonymous. */
  readonly identify: (authorization: readonly string[]) => TokenCaller | Promise<TokenCaller>;
  readonly people: People;
  /** By configuration (roles.security). */
  readonly isSecurity: (subject: Subject) => boolean;
};

/** For an onRequest hook: answers the call itself if the caller is not authenticated. */
export function createAuthenticate({ identify, people, isSecurity }: CallerDeps) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const caller = await identify(valuesIn(request.raw.rawHeaders, "authorization"));
    if (caller.kind === "anonymous") return sendProblem(reply, "authentication_required");
    if (caller.kind === "refused") return sendProblem(reply, caller.reason);
    // NB: none of our names contains U+0000, which no column can store or compare.
    if (caller.subject.groups.some((group) => group.includes("\0"))) {
      return sendProblem(reply, "credential_claims_invalid");
    }
    const party = await people.resolve(caller.subject);
    request.setDecorator<Caller>("caller", { party, isSecurity: isSecurity(caller.subject) });
    return undefined;
  };
}

/** Why a caller may not write as security; undefined: they may. NB: an agent that acts for somebody of security only reads what they read. */
export function whyNotSecurity({
  party,
  isSecurity,
}: Caller): "security_role_required" | "security_in_person" | undefined {
  if (!isSecurity) return "security_role_required";
  return party.subject.actors.length === 0 ? undefined : "security_in_person";
}

/** The caller of a route behind `createAuthenticate`; throws anywhere else. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = request.getDecorator<Caller | null>("caller");
  if (caller === null) throw new Error("a route without authentication");
  return caller;
}
