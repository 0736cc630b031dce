/** What a configuration makes a credential, and what it leaves aside. */
import { expect, test } from "@jest/globals";
import type { Credentials } from "../ports.ts";
import { createShownCredentials } from "./shown-credentials.ts";

const call: Credentials = {
  authorization: ["Bearer a"],
  principal: "spiffe://example.org/x",
  certificate: "pem",
  headers: new Map([
    ["x-token", ["b"]],
    ["x-two", ["b", "Bearer c"]],
    ["x-empty", [""]],
  ]),
  metadata: new Map<string, unknown>([
    ["envoy.filters.http.jwt_authn", { payload: { sub: "dana" } }],
    ["other", { payload: { sub: "eve" } }],
  ]),
};
const namespace = "envoy.filters.http.jwt_authn";

test("unless told, the token is in `authorization` and nothing that an enforcer stated is claims", () => {
  expect(createShownCredentials({ header: "authorization" })(call)).toEqual({
    ...{ authorization: ["Bearer a"], verifiedClaims: undefined },
    ...{ principal: "spiffe://example.org/x", certificate: "pem" },
  });
});

test.each([
  ["x-token", ["Bearer b"]],
  ["x-two", ["Bearer b", "Bearer c"]],
  ["x-empty", ["Bearer "]],
  ["x-none", []],
])("with another header (%s) `authorization` is not looked at", (header, expected) => {
  expect(createShownCredentials({ header })(call).authorization).toEqual(expected);
});

test.each<[string, string, unknown]>([
  [namespace, "payload", { sub: "dana" }],
  [namespace, "other", undefined],
  [namespace, "constructor", undefined],
  [namespace, "__proto__", undefined],
  ["elsewhere", "payload", undefined],
])("claims are what stands in %s under %s", (space, key, expected) => {
  const shown = createShownCredentials({ header: "authorization", metadata: { namespace: space, key } });
  expect(shown(call).verifiedClaims).toEqual(expected);
  expect(shown({ ...call, metadata: undefined }).verifiedClaims).toBeUndefined();
});
