/** The REST interface with the Access Request profile, the pen of a decision service, honest or not, and what an enforcer would submit. */
import { generateKeyPairSync, randomUUID } from "node:crypto";
import type { Denial } from "../../../core/domain/denial.ts";
import { namedCall, type Question } from "../../../core/domain/question.ts";
import { rfc3339 } from "../../../core/domain/time.ts";
import { readBindingToken, signBindingToken } from "../../../core/identity/binding-token.ts";
import { bindingHash, questionHash, questionHashes, recordedMembers } from "../../../core/messages/question-binding.ts";
import { createSigner, createVerifier } from "../../../core/messages/signing.ts";
import { type Answer, at } from "./rest-answer.ts";
import { type Claims, createRestApproval, offering, type RestParts } from "./rest-fixture.ts";

export const PDP = "https://pdp.example";
export const ENDPOINT = "https://approvals.example/access/v1/requests";
export const PATH = "/access/v1/requests";
export const URN = "urn:openid:authzen:access-request:error:";
export const REASON = "the customer was charged twice";

const signing = generateKeyPairSync("ed25519");
const pem = (key: typeof signing.privateKey) => key.export({ type: "pkcs8", format: "pem" }).toString();
const signer = createSigner("pdp-1", pem(signing.privateKey));
export const stranger = createSigner("pdp-1", pem(generateKeyPairSync("ed25519").privateKey));
const verifier = createVerifier(
  new Map([["pdp-1", signing.publicKey.export({ type: "spki", format: "pem" }).toString()]]),
);

export const ASKED: Question = {
  subject: { type: "user", id: "dana", properties: { level: 3 } },
  resource: { type: "file", id: "f1", properties: { owner: "max" } },
  action: { name: "delete", properties: { soft: false } },
  context: { device: "managed", time: "10:00" },
};

export async function createAccessRequestApproval(parts: RestParts = {}) {
  const tokens: NonNullable<RestParts["accessRequests"]>["tokens"] = {
    read: (token, now) => readBindingToken(verifier, token, { issuers: [PDP], audience: ENDPOINT, now }),
  };
  const rest = await createRestApproval({ accessRequests: { endpoint: ENDPOINT, tokens }, ...parts });

  /** A denial of this question, as a decision service publishes it. */
  const denyQuestion = (token: string, question: Question = ASKED, more: Partial<Denial> = {}) =>
    rest.denyTo(token, {
      ...offering({ scope: `file/${randomUUID()}` }),
      call: {
        protocol: "api",
        ...namedCall(question),
        ...{ maskedQuery: "", bodyBytes: undefined, sourceAddress: undefined, fieldHashes: questionHashes(question) },
      },
      ...more,
    });

  const send = (token: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    rest.call("POST", PATH, { token, body, headers });

  async function requestsIn(): Promise<number> {
    const { rows } = await rest.database.query<{ n: number }>("select count(*)::int as n from requests");
    return rows[0]?.n ?? Number.NaN;
  }

  return {
    ...rest,
    denyQuestion,
    send,
    /** Whatever is tried in `work` leaves no request. */
    async leavesNothing(work: () => Promise<void>): Promise<void> {
      const before = await requestsIn();
      await work();
      const after = await requestsIn();
      if (after !== before) throw new Error(`${after - before} requests came of it`);
    },
    /** A fresh denial of the token's account, submitted by its token with these changes. */
    async submitted(token: string, changes: Claims = {}, headers: Readonly<Record<string, string>> = {}) {
      return send(token, submission(await denyQuestion(token), changes), headers);
    },
  };
}

export type AccessRequestApproval = Awaited<ReturnType<typeof createAccessRequestApproval>>;

/** Status and kind of a refusal of the profile's, to be compared with the three below. */
export const outcome = (answer: Answer) => [answer.status, at(answer, "type")];
export const INVALID = [400, `${URN}invalid_denial_binding`];
export const NOT_REQUESTABLE = [400, `${URN}not_requestable`];
export const EXPIRED = [410, `${URN}expired_denial`];

/** The token of a denial, with these changes; by another signer where one is given. */
export function tokenFor(denial: Denial, changes: Claims = {}, by = signer): string {
  const hashes = denial.call.fieldHashes;
  const binding = {
    denialId: denial.id,
    denialExpiresAt: denial.expiresAt,
    hash: bindingHash(questionHash(ASKED, recordedMembers(hashes))),
    contextMembers: recordedMembers(hashes),
    ...changes,
  };
  const tokenId = randomUUID();
  return signBindingToken(by, binding, { issuer: PDP, audience: ENDPOINT, now: denial.mintedAt, tokenId, ...changes });
}

/** What an enforcer submits of a denial of `ASKED`. */
export function submission(denial: Denial, changes: Claims = {}): { readonly [member: string]: unknown } {
  const { subject, resource, action, context } = ASKED;
  return {
    ...{ subject, resource, action },
    context: { ...context, business_justification: REASON },
    denial: {
      evaluation_id: denial.id,
      expires_at: rfc3339(denial.expiresAt),
      binding_token: tokenFor(denial),
      reason: "approval_required",
    },
    ...changes,
  };
}

/** `submission` with its member `denial` changed. */
export function bound(denial: Denial, changes: Claims): { readonly [member: string]: unknown } {
  const whole = submission(denial);
  return { ...whole, denial: { ...Object(whole["denial"]), ...changes } };
}
