/** What the registered claims say, held against what jose says of the same token. */
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { errors, UnsecuredJWT } from "jose";
import { refusalByClaims } from "./registered-claims.ts";
import type { JsonObject } from "./strict-json.ts";

const NOW = 1_795_478_400_500;
const SECONDS = 1_795_478_400;
const rules = {
  issuer: "https://issuer.example",
  audience: ["orders", "refunds"],
  otherAudiences: true,
  typ: "at+jwt",
  maxTokenAgeMs: 3_600_000,
  clockToleranceMs: 5_000,
};

/** The same question to jose, and its answer in our words. */
function byJose(claims: JsonObject, now: number, header?: { typ: string | undefined }): string | undefined {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  try {
    UnsecuredJWT.decode(`${part({ alg: "none", ...header })}.${part(claims)}.`, {
      issuer: rules.issuer,
      audience: rules.audience,
      requiredClaims: ["exp", "sub"],
      maxTokenAge: rules.maxTokenAgeMs / 1_000,
      clockTolerance: rules.clockToleranceMs / 1_000,
      currentDate: new Date(now),
      ...(header === undefined ? {} : { typ: rules.typ }),
    });
    return undefined;
  } catch (error) {
    if (error instanceof errors.JWTExpired) return "credential_expired";
    if (!(error instanceof errors.JWTClaimValidationFailed)) throw error;
    if (error.claim === "aud") return "credential_audience_wrong";
    if (error.claim === "typ") return "credential_type_wrong";
    const isEarly = error.reason === "check_failed" && (error.claim === "nbf" || error.claim === "iat");
    return isEarly ? "credential_not_yet_valid" : "credential_claims_invalid";
  }
}

const good = {
  iss: rules.issuer,
  aud: "orders",
  sub: "dana",
  iat: SECONDS - 60,
  exp: SECONDS + 60,
  nbf: SECONDS - 60,
};

test("nothing is refused of a token that is as it should be, nor one that says nothing of its beginning", () => {
  const { nbf: _, ...without } = good;
  for (const claims of [good, without]) {
    expect(refusalByClaims(claims, rules, NOW, { typ: "at+jwt" })).toBeUndefined();
    expect(byJose(claims, NOW, { typ: "at+jwt" })).toBeUndefined();
  }
});

test("a token that is for others too is refused where that is said, and one for several names of this service is not", () => {
  const refused = (aud: unknown, otherAudiences: boolean) =>
    refusalByClaims(JSON.parse(JSON.stringify({ ...good, aud })), { ...rules, otherAudiences }, NOW);
  for (const aud of [
    ["orders", "other"],
    ["other", "refunds"],
    ["orders", 1],
    ["orders", ["refunds"]],
  ]) {
    expect(refused(aud, false)).toBe("credential_audience_wrong");
    expect(refused(aud, true)).toBeUndefined();
  }
  for (const aud of ["other", [], ["other"], null]) expect(refused(aud, false)).toBe("credential_audience_wrong");
  for (const aud of ["orders", ["orders"], ["refunds", "orders"]]) expect(refused(aud, false)).toBeUndefined();
});

/** Of values about every limit, to the second and beyond it, and of those that are none. */
const moments = [0, 4, 5, 6, 60, 3_594, 3_600, 3_604, 3_605, 3_606].flatMap((off) => [SECONDS - off, SECONDS + off]);
const time = fc.constantFrom<unknown>(...moments, SECONDS + 5.5, SECONDS - 5.5, "1795478400", null, [], true, 1e300);
const CLAIMS = {
  iss: fc.constantFrom<unknown>(rules.issuer, "https://issuer.example/", "", null, [rules.issuer], 1),
  aud: fc.constantFrom<unknown>("orders", "other", "", ["other", "refunds"], [], [["orders"]], { orders: 1 }, null, 1),
  sub: fc.constantFrom<unknown>("dana", "", null, 7),
  iat: time,
  exp: time,
  nbf: time,
};
/** One claim wrong or missing at a time shows its own reason; several show which comes first. */
const changes = fc.record(CLAIMS, { requiredKeys: [] });
const missing = fc.subarray(Object.keys(good), { maxLength: 2 });
const headers = fc.constantFrom(
  undefined,
  ...["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "", "at+jwt/x", undefined].map((typ) => ({ typ })),
);

test("is what jose says: never believed where jose refuses, never refused where it believes, and for the same reason where there is but one", () => {
  const reasons = new Set<string | undefined>();
  fc.assert(
    fc.property(changes, missing, headers, fc.integer({ min: 0, max: 999 }), (changed, without, header, ms) => {
      const named = Object.entries({ ...good, ...changed }).filter(([name]) => !without.includes(name));
      const claims: JsonObject = JSON.parse(JSON.stringify(Object.fromEntries(named)));
      const now = SECONDS * 1_000 + ms;
      const [ours, theirs] = [refusalByClaims(claims, rules, now, header), byJose(claims, now, header)];
      reasons.add(ours);
      expect(ours === undefined).toBe(theirs === undefined);
      const differing = Object.keys(changed).length + without.length;
      if (differing <= 1) expect(ours).toBe(theirs);
    }),
    { numRuns: 5_000 },
  );
  expect([...reasons].map(String).sort()).toEqual([
    "credential_audience_wrong",
    "credential_claims_invalid",
    "credential_expired",
    "credential_not_yet_valid",
    "credential_type_wrong",
    "undefined",
  ]);
});
