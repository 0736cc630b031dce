/** Claims that an enforcer verified: everything but the signature is looked at as of a token that we verify ourselves. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createIdentify } from "./identify.ts";
import * as sample from "../../test/samples/tokens.ts";
import { claims, NOW, NOW_SECONDS, token } from "../../test/samples/tokens.ts";
import { callerFromVerifiedClaims } from "./verified-claims.ts";

const issuers = sample.issuersOf({});
const outcome = (stated: unknown) => {
  const caller = callerFromVerifiedClaims(stated, issuers, NOW);
  return caller.kind === "refused" ? caller.reason : caller.kind;
};

test.each([
  ["iss", undefined, "credential_issuer_unknown"],
  ["iss", "https://evil.example.com", "credential_issuer_unknown"],
  ["iss", "__proto__", "credential_issuer_unknown"],
  ["aud", undefined, "credential_audience_wrong"],
  ["aud", ["other"], "credential_audience_wrong"],
  ["exp", undefined, "credential_claims_invalid"],
  ["exp", NOW_SECONDS - 31, "credential_expired"],
  ["iat", undefined, "credential_claims_invalid"],
  ["iat", NOW_SECONDS - 3_631, "credential_expired"],
  ["nbf", NOW_SECONDS + 31, "credential_not_yet_valid"],
  ["sub", undefined, "credential_claims_invalid"],
  ["sub", "", "credential_claims_invalid"],
  ["sub", "dana\ud800", "credential_malformed"],
  ["groups", "engineers", "credential_claims_invalid"],
  ["act", {}, "credential_claims_invalid"],
  ["cnf", { jkt: "x" }, "credential_type_wrong"],
  ["cnf", { "x5t#S256": "short" }, "credential_type_wrong"],
  ["cnf", { "x5t#S256": "A".repeat(43), jkt: "x" }, "credential_type_wrong"],
  ["blob", "x".repeat(20_000), "credential_malformed"],
])("%s = %j is refused", (name, value, reason) => {
  expect(outcome(claims({ [name]: value }))).toBe(reason);
});

test.each([null, 7, "text", [], [claims()], true, Number.NaN, () => claims(), Symbol("x"), { toJSON: () => 7 }, 1n])(
  "%p is no claims",
  (stated) => {
    expect(outcome(stated)).toBe("credential_malformed");
  },
);

test("honest claims are the same account as the token that holds them", () => {
  const keySet = sample.keySetOf(sample.jwksOf(sample.keys));
  const { identify } = createIdentify({ issuers, keySets: { current: () => keySet, requestRefresh: () => {} } });
  const act = { sub: "agent" };
  const byToken = identify({ authorization: [`Bearer ${token(claims({ act }))}`] }, NOW);
  expect(identify({ authorization: [], verifiedClaims: claims({ act }) }, NOW)).toEqual(byToken);
  expect(byToken).toMatchObject({ kind: "subject", subject: { actors: [{ id: "agent" }] } });
});

describe("beside a token", () => {
  const keySet = sample.keySetOf(sample.jwksOf(sample.keys));
  const { identify } = createIdentify({ issuers, keySets: { current: () => keySet, requestRefresh: () => {} } });

  test("what we can verify ourselves comes first, and its refusal is final", () => {
    const verifiedClaims = claims({ sub: "max" });
    const credentials = { authorization: [`Bearer ${token()}`], verifiedClaims };
    expect(identify(credentials, NOW)).toMatchObject({ subject: { id: "dana" } });
    const forged = { authorization: [`Bearer ${token().slice(0, -4)}AAAA`], verifiedClaims };
    expect(identify(forged, NOW)).toMatchObject({ reason: "credential_signature_invalid" });
  });
});

test("whatever is stated gives an answer and never an exception", () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (stated, value) => {
      for (const one of [stated, claims({ act: value }), claims({ groups: value }), claims({ cnf: value })]) {
        expect(outcome(one)).toMatch(/^(subject|credential_)/);
      }
    }),
    { numRuns: 2_000 },
  );
});
