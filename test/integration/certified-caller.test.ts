/** A certificate identity as credential, with real certificates: beside a token, without one, expired, and of a form that is none. */
import { createHash, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { instant } from "../../core/domain/time.ts";
import { createIdentify } from "../../core/identity/identify.ts";
import { createPrincipals } from "../../core/identity/principals.ts";
import * as sample from "../samples/tokens.ts";
import { type Authority, createAuthority } from "../harness/certificates.ts";

const DANA = "spiffe://example.org/people/dana";
const STRANGER = "spiffe://example.com/people/dana";
const rule = { match: "spiffe://example.org/people/{user}", issuer: "spiffe://example.org" };
const principals = createPrincipals([rule, { match: "dana.example.org", issuer: "x509" }]);
const keySet = sample.keySetOf(sample.jwksOf(sample.keys));
const keySets = { current: () => keySet, requestRefresh: () => {} };
const issuers = sample.issuersOf({});
const { identify } = createIdentify({ issuers, keySets, principals });
const bearer = [`Bearer ${sample.token()}`];
const now = instant(Date.now());
let authority: Authority;
let certificate: string;

beforeAll(async () => {
  authority = await createAuthority("people");
  certificate = await shown([DANA]);
});

/** As Envoy reports it. */
async function shown(uris: readonly string[], endsInMs?: number): Promise<string> {
  const { cert } = await authority.issue({
    name: "x",
    use: "client",
    uris,
    ...(endsInMs === undefined ? {} : { endsInMs }),
  });
  return encodeURIComponent(cert.toString());
}

const refused = (reason: string) => ({ kind: "refused", reason });

describe("an identity that the enforcer verified", () => {
  test("is nobody where no rule makes certificates a credential", () => {
    const without = createIdentify({ issuers, keySets });
    expect(without.identify({ authorization: [], principal: DANA }, now)).toEqual({ kind: "anonymous" });
  });

  test("that no rule names is refused and not anonymous", () => {
    expect(identify({ authorization: [], principal: STRANGER }, now)).toEqual(refused("credential_issuer_unknown"));
    expect(identify({ authorization: [] }, now)).toEqual({ kind: "anonymous" });
  });

  test("never stands in for a token that is refused", async () => {
    const credentials = { principal: DANA, certificate };
    const forged = `Bearer ${sample.token().slice(0, -4)}AAAA`;
    expect(identify({ authorization: [forged], ...credentials }, sample.NOW)).toMatchObject({ kind: "refused" });
    expect(identify({ authorization: ["Bearer"], ...credentials }, now)).toEqual(refused("credential_malformed"));
    expect(identify({ authorization: [""], ...credentials }, now)).toEqual(refused("credential_malformed"));
  });

  test.each([DANA, STRANGER])("gives way to a good token, whether a rule names it or not (%s)", async (principal) => {
    expect(identify({ authorization: bearer, principal }, sample.NOW)).toMatchObject({
      kind: "subject",
      subject: { issuer: sample.ISSUER, id: "dana" },
    });
  });

  test("is its account, with or without the certificate", () => {
    const account = {
      kind: "subject",
      subject: { issuer: "spiffe://example.org", id: DANA, claims: { user: "dana" } },
    };
    expect(identify({ authorization: [], principal: DANA }, now)).toMatchObject(account);
    expect(identify({ authorization: [], principal: DANA, certificate }, now)).toMatchObject(account);
    expect(identify({ authorization: [], principal: "dana.example.org" }, now)).toMatchObject({
      subject: { issuer: "x509", id: "dana.example.org" },
    });
  });
});

describe("the certificate behind it", () => {
  test("that ends while the connection lives ends the account with it", async () => {
    const short = await shown([DANA], 60_000);
    const at = (ms: number) => identify({ authorization: [], principal: DANA, certificate: short }, instant(now + ms));
    expect(at(0)).toMatchObject({ kind: "subject" });
    expect(at(61_000)).toMatchObject({ ...refused("credential_expired"), issuer: "spiffe://example.org" });
    expect(at(-3 * 24 * 3_600_000)).toMatchObject(refused("credential_not_yet_valid"));
  });

  test("with a second URI name is no SPIFFE identity", async () => {
    const two = await shown([DANA, STRANGER]);
    expect(identify({ authorization: [], principal: DANA, certificate: two }, now)).toMatchObject(
      refused("credential_malformed"),
    );
  });

  test.each([
    ["text", "x"],
    ["half an escape", "%"],
    ["a wrong escape", "%zz"],
    ["the first line alone", "-----BEGIN%20CERTIFICATE-----"],
    ["very long text", "a".repeat(100_000)],
  ])("that cannot be read (%s) is refused", (_name, text) => {
    expect(identify({ authorization: [], principal: DANA, certificate: text }, now)).toMatchObject(
      refused("credential_malformed"),
    );
  });
});

describe("a token that is bound to a certificate (RFC 8705)", () => {
  const thumbprintOf = (text: string) => {
    const { raw } = new X509Certificate(decodeURIComponent(text));
    return createHash("sha256").update(raw).digest("base64url");
  };
  const boundTo = (thumbprint: string) => sample.token(sample.claims({ cnf: { "x5t#S256": thumbprint } }));
  const wrong = { ...refused("credential_certificate_wrong"), issuer: sample.ISSUER };
  const DAY_MS = 24 * 3_600_000;
  /** Of a certificate that ends when it is that old or young by the tokens' clock. */
  const endingAt = (laterMs: number) => shown([DANA], sample.NOW + laterMs - Date.now());
  let certificate: string;
  beforeAll(async () => {
    certificate = await endingAt(DAY_MS);
  });

  test("is refused with another certificate, with none, and with one that cannot be read, also when it is remembered", async () => {
    const authorization = [`Bearer ${boundTo(thumbprintOf(certificate))}`];
    const other = await endingAt(DAY_MS);
    for (let round = 0; round < 2; round += 1) {
      expect(identify({ authorization, certificate: other }, sample.NOW)).toEqual(wrong);
      expect(identify({ authorization }, sample.NOW)).toEqual(wrong);
      expect(identify({ authorization, principal: DANA, certificate: "x" }, sample.NOW)).toEqual(wrong);
      // In between it is good: what is remembered is the token, not who showed it.
      expect(identify({ authorization, certificate }, sample.NOW)).toMatchObject({ kind: "subject" });
    }
  });

  test("is its subject with the certificate it is bound to, whatever identity stands in that", async () => {
    const anonymousCertificate = await shown([], sample.NOW + DAY_MS - Date.now());
    const authorization = [`Bearer ${boundTo(thumbprintOf(anonymousCertificate))}`];
    expect(identify({ authorization, certificate: anonymousCertificate }, sample.NOW)).toMatchObject({
      subject: { issuer: sample.ISSUER, id: "dana" },
    });
  });

  test("ends with that certificate, also on a connection that was made before", async () => {
    // To the second, as certificates have it.
    const ending = await endingAt(1_000);
    const authorization = [`Bearer ${boundTo(thumbprintOf(ending))}`];
    const { validToDate } = new X509Certificate(decodeURIComponent(ending));
    const at = (ms: number) => identify({ authorization, certificate: ending }, instant(validToDate.getTime() + ms));
    expect(at(0)).toEqual({ ...refused("credential_expired"), issuer: sample.ISSUER });
    expect(at(-1)).toMatchObject({ kind: "subject", expiresAt: validToDate.getTime() });
  });

  test("counts with a certificate that was shown to us, as DER, and with no other", async () => {
    const authorization = [`Bearer ${boundTo(thumbprintOf(certificate))}`];
    const raw = (text: string) => () => new X509Certificate(decodeURIComponent(text)).raw;
    const calledWith = (peerCertificate: () => Uint8Array | undefined) =>
      identify({ authorization, peerCertificate }, sample.NOW);
    const other = await endingAt(DAY_MS);
    for (const bad of [raw(other), () => undefined, () => Buffer.from("no certificate")])
      expect(calledWith(bad)).toEqual(wrong);
    expect(calledWith(raw(certificate))).toMatchObject({ kind: "subject" });
  });

  test("counts the same where the enforcer verified it", () => {
    const claims = (text: string) => sample.claims({ cnf: { "x5t#S256": thumbprintOf(text) } });
    const verifiedClaims = claims(certificate);
    expect(identify({ authorization: [], verifiedClaims }, sample.NOW)).toEqual(wrong);
    expect(identify({ authorization: [], verifiedClaims, certificate }, sample.NOW)).toMatchObject({ kind: "subject" });
  });
});
