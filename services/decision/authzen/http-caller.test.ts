/** What a caller who is not known is told. Over the wire, and by gRPC: test/integration/decision/issuer-away.test.ts. */
import { expect, test } from "@jest/globals";
import { refusalOf } from "./http-caller.ts";

test("a token that nobody can verify now is not called bad: its bearer is told to come back", () => {
  expect(refusalOf({ kind: "unverifiable", reason: "keys_unavailable" })).toMatchObject({
    status: 503,
    header: ["retry-after", "5"],
    sentence: expect.stringContaining("keys_unavailable"),
  });
  expect(refusalOf({ kind: "busy", reason: "overloaded" })).toMatchObject({
    status: 503,
    header: ["retry-after", "1"],
  });
});

test.each([
  ["credential_key_unknown", 'Bearer error="invalid_token"'],
  ["authentication_required", "Bearer"],
] as const)("%s is 401 with a challenge", (reason, challenge) => {
  expect(refusalOf({ kind: "refused", reason })).toMatchObject({
    status: 401,
    header: ["www-authenticate", challenge],
  });
});
