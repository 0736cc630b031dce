/**
 * Who may call the API, and about whom. A *client* is a configured program: it shows its service token, a certificate with its name, which counts
 * as long as it is valid, or both if both are set. For each type of subject that it is trusted for, it may name accounts of one issuer, and its
 * properties of a subject are read like that issuer's claims. Anybody else shows a token of a configured issuer (with the certificate that it may
 * be bound to) and may ask only about that account; what they say about themselves is put under `stated`. Nobody is anonymous here. NB: anybody
 * who reaches a port can send tokens that have to be verified; these take turns with the tokens of checks (core/identity/signature-turns.ts), and
 * only some may wait at once.
 */
import { hash } from "node:crypto";
import type { Question } from "../../../core/domain/question.ts";
import type { Subject } from "../../../core/domain/subject.ts";
import type { Instant } from "../../../core/domain/time.ts";
import { findBearerToken } from "../../../core/identity/bearer.ts";
import { subjectFromClaims } from "../../../core/identity/claims-to-subject.ts";
import type { Identify } from "../../../core/identity/identify.ts";
import type { Issuers } from "../../../core/identity/issuers.ts";
import { readDer } from "../../../core/identity/peer-certificate.ts";
import type { ApiCallers, ApiClient, Authenticated, NotKnown } from "./ports.ts";
import type { Vouched } from "../ports.ts";

export type KnownClient = ApiClient & { readonly token: string | undefined; readonly certificate: string | undefined };

type ApiCallersDeps = {
  readonly identity: Pick<Identify, "identifyInTurn">;
  readonly issuers: Issuers;
  readonly now: () => Instant;
};

type ReplaceableCallers = ApiCallers & {
  /** Replaces the clients from now on, with the tokens that they have now. */
  replace(clients: readonly KnownClient[]): void;
};

type Shown = Parameters<ApiCallers["authenticate"]>[0];
type Known = Authenticated | NotKnown;

/** The subject of a caller with a token of their own, as policies see it. */
const OWN_TYPE = "user";
/** A stated account stands for as long as the answer takes. */
const STATED_UNTIL = Number.POSITIVE_INFINITY;

export function createApiCallers(
  { identity, issuers, now }: ApiCallersDeps,
  clients: readonly KnownClient[],
  { mostUnknown }: { readonly mostUnknown: number },
): ReplaceableCallers {
  let byToken = new Map<string, KnownClient>();
  let byCertificate = new Map<string, KnownClient>();
  let unknown = 0;

  function replace(next: readonly KnownClient[]): void {
    byToken = new Map(next.flatMap((one) => (one.token === undefined ? [] : [[hashOf(one.token), one] as const])));
    byCertificate = new Map(
      next.flatMap((one) =>
        one.certificate === undefined || one.token !== undefined ? [] : [[one.certificate, one] as const],
      ),
    );
  }
  replace(clients);

  async function ownAccount({ authorization, certificate }: Shown, isLate: () => boolean): Promise<Known> {
    const caller = identity.identifyInTurn(
      { authorization, principal: undefined, peerCertificate: certificate },
      { now, isLate, mayWait: () => unknown < mostUnknown },
    );
    if (!(caller instanceof Promise)) return knownAs(caller);
    unknown += 1;
    try {
      return knownAs(await caller);
    } finally {
      unknown -= 1;
    }
  }

  /** NB: the handshake in which its certificate was verified may be long ago. */
  function shownNow(client: KnownClient, { certificate }: Shown): Known {
    const der = certificate();
    const read = der && readDer(der);
    return read?.kind === "certificate" && now() < read.notAfter
      ? { kind: "client", client }
      : { kind: "refused", reason: "credential_expired" };
  }

  return {
    replace,
    async authenticate(shown, isLate) {
      const { authorization, certificateNames } = shown;
      const bearer = findBearerToken(authorization);
      // NB: found by its hash, so that the time it takes says nothing about a token.
      const client = bearer.kind === "token" ? byToken.get(hashOf(bearer.token)) : undefined;
      if (client !== undefined) {
        if (client.certificate === undefined) return { kind: "client", client };
        return certificateNames().includes(client.certificate)
          ? shownNow(client, shown)
          : { kind: "refused", reason: "authentication_required" };
      }
      if (authorization.length === 0) {
        const named = certificateNames()
          .map((name) => byCertificate.get(name))
          .find((one) => one !== undefined);
        return named === undefined ? { kind: "refused", reason: "authentication_required" } : shownNow(named, shown);
      }
      return ownAccount(shown, isLate);
    },
    vouch(caller, entity) {
      if (caller.kind === "subject") {
        const isSelf = entity.type === OWN_TYPE && entity.id === caller.subject.id;
        return isSelf ? caller : { kind: "refused", reason: "subject_not_trusted" };
      }
      const issuer = issuers.get(caller.client.subjects.get(entity.type) ?? "");
      if (issuer === undefined) return { kind: "refused", reason: "subject_not_trusted" };
      const { properties, id } = entity;
      return stated(subjectFromClaims({ ...properties, iss: issuer.issuer, sub: id }, issuer));
    },
    inOwnWords,
  };
}

/** NB: `role`, `tenant` or whatever a policy reads of a trusted client's subject would otherwise be the subject's own word. */
function inOwnWords(caller: Authenticated, question: Question): Question {
  const { properties } = question.subject;
  if (caller.kind === "client" || Object.keys(properties).length === 0) return question;
  return { ...question, subject: { ...question.subject, properties: { stated: properties } } };
}

function knownAs(caller: Awaited<ReturnType<Identify["identifyInTurn"]>>): Known {
  switch (caller.kind) {
    case "anonymous":
      return { kind: "refused", reason: "authentication_required" };
    case "subject":
      return caller;
    case "refused": {
      const { reason } = caller;
      if (reason === "keys_unavailable") return { kind: "unverifiable", reason };
      const isBusy = reason === "overloaded" || reason === "deadline_exceeded";
      return isBusy ? { kind: "busy", reason } : { kind: "refused", reason };
    }
  }
}

function stated(subject: Subject | undefined): Vouched {
  if (subject === undefined) return { kind: "refused", reason: "credential_claims_invalid" };
  return { kind: "subject", subject, expiresAt: STATED_UNTIL };
}

function hashOf(token: string): string {
  return hash("sha256", token, "base64");
}
