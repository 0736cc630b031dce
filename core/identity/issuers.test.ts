/** What a configuration of issuers may not say. */
import { describe, expect, test } from "@jest/globals";
import { Compile } from "typebox/compile";
import { createIssuers, IssuerSchema, issuerFaults } from "./issuers.ts";
import { type IssuerChanges, issuerConfig } from "../../test/samples/tokens.ts";

const keysOf = (...configs: readonly IssuerChanges[]) =>
  issuerFaults(configs.map(issuerConfig)).map((fault) => fault.key);

describe("faults", () => {
  test.each<[string, IssuerChanges, string]>([
    ["no audience", { audience: [] }, "audience"],
    ["no algorithms", { algorithms: [] }, "algorithms"],
    ["a symmetric algorithm", { algorithms: ["EdDSA", "HS256"] }, "algorithms"],
    ["no signature", { algorithms: ["none"] }, "algorithms"],
    ["an unknown algorithm", { algorithms: ["ES256K"] }, "algorithms"],
    ["two sources of keys", { jwks_file: "keys.json" }, "jwks_uri"],
    ["no source of keys", { jwks_uri: undefined }, "jwks_uri"],
    ["keys by http from elsewhere", { jwks_uri: "http://id.example.com/keys" }, "jwks_uri"],
    ["keys by http from a name that looks local", { jwks_uri: "http://localhost.example.com/keys" }, "jwks_uri"],
    ["keys by another scheme", { jwks_uri: "file:///etc/keys" }, "jwks_uri"],
    ["a password in the address", { jwks_uri: "https://a:b@id.example.com/keys" }, "jwks_uri"],
    ["authorities of keys by http", { jwks_uri: "http://localhost/keys", ca_path: "ca.pem" }, "ca_path"],
    ["authorities of a file", { jwks_uri: undefined, jwks_file: "keys.json", ca_path: "ca.pem" }, "ca_path"],
    ["no address", { jwks_uri: "keys" }, "jwks_uri"],
    ["a tolerance above 30 s", { clock_tolerance: "31s" }, "clock_tolerance"],
    ["a tolerance that is no duration", { clock_tolerance: "30" }, "clock_tolerance"],
    ["an age that is no duration", { max_token_age: "1 day" }, "max_token_age"],
    ["a realm with a slash", { person: { realm: "a/b", claim: "sub" } }, "person.realm"],
  ])("%s", (_name, changes, name) => {
    expect(keysOf(changes)).toContain(`issuers.0.${name}`);
    expect(createIssuers([issuerConfig(changes)]).size).toBe(0);
  });

  test("all are named at once, an issuer given twice and a realm with two rules among them", () => {
    const found = keysOf(
      { audience: [], algorithms: ["none"], person: { realm: "r", claim: "email", ignore_case: true } },
      { person: { realm: "r", claim: "mail" } },
    );
    expect(found).toEqual([
      "issuers.0.audience",
      "issuers.0.algorithms",
      "issuers.1.issuer",
      "issuers.1.person.ignore_case",
    ]);
  });

  test("unknown keys and a missing audience do not satisfy the schema", () => {
    const schema = Compile(IssuerSchema);
    const { audience: _audience, ...without } = issuerConfig();
    expect(schema.Check(without)).toBe(false);
    expect(schema.Check({ ...issuerConfig(), audiance: ["x"] })).toBe(false);
    expect(schema.Check(issuerConfig())).toBe(true);
  });
});

test.each([
  "https://id.example.com/keys",
  "http://127.0.0.1:8080/keys",
  "http://[::1]/keys",
  "http://localhost:1/keys",
])("keys may come from %s", (jwks_uri) => {
  expect(keysOf({ jwks_uri })).toEqual([]);
});

test("what is left out has its default", () => {
  const { max_token_age: _age, clock_tolerance: _tolerance, ...config } = issuerConfig();
  expect([...createIssuers([config]).values()]).toMatchObject([
    { maxTokenAgeMs: 86_400_000, clockToleranceMs: 5_000, groupsClaim: "groups", typ: undefined, person: undefined },
  ]);
});
