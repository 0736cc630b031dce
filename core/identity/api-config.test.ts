/** Which API a decision service refuses to open: each fault named by its key, on top of a section that is fine. */
import { describe, expect, test } from "@jest/globals";
import { type ApiConfig, apiFaults, tokenFault } from "./api-config.ts";

const fine: ApiConfig = {
  baseUrl: "https://pdp.example",
  host: "127.0.0.1",
  httpPort: 9193,
  grpcReflection: false,
  plaintext: false,
  clients: [{ name: "gateway", tokenPath: "t", subjects: { user: "https://login.example" }, enforcer: false }],
  publishedKeys: {},
  deadlineMs: 450,
  maxBodyBytes: 65_536,
  maxInFlight: 256,
  maxBatch: 100,
};

const WITH_CA = { certPath: "c", keyPath: "k", clientCaPath: "ca" };

function keysOf(changes: object, compat: { path?: string } = {}): readonly string[] {
  const api = { ...fine, ...changes };
  const identity = { issuers: [{ issuer: "https://login.example" }] };
  return apiFaults({ api, identity, policy: { compat } }).map(({ key }) => key);
}

describe("section api", () => {
  test("is accepted as it should be", () => expect(keysOf({})).toEqual([]));

  test.each(["URI:spiffe://example.org/orders", "DNS:orders.internal", "IP Address:192.0.2.1", "email:a@example.org"])(
    "is accepted with a client that is known by %s",
    (certificate) => {
      const clients = [{ name: "a", certificate, subjects: {}, enforcer: false }];
      expect(keysOf({ ...WITH_CA, clients })).toEqual([]);
    },
  );

  test.each<readonly [string, object, string]>([
    ["an address that is not https", { baseUrl: "http://pdp.example" }, "api.baseUrl"],
    [
      "an address with a slash at its end, which nobody compares equal",
      { baseUrl: "https://pdp.example/" },
      "api.baseUrl",
    ],
    ["a certificate without its key", { certPath: "c" }, "api.certPath"],
    ["client certificates without TLS", { clientCaPath: "ca" }, "api.clientCaPath"],
    ["tokens in plain text beyond this machine", { host: "0.0.0.0" }, "api.host"],
    ["a client that shows nothing", { clients: [{ name: "a", subjects: {}, enforcer: false }] }, "api.clients"],
    [
      "a certificate that nobody asks for",
      { clients: [{ name: "a", certificate: "DNS:a", subjects: {}, enforcer: false }] },
      "api.clients",
    ],
    [
      "a client that enforces unless it says otherwise, and may not enforce",
      {
        clients: [{ name: "a", tokenPath: "t", subjects: {}, enforcer: false, defaultMode: "enforce" }],
      },
      "api.clients",
    ],
    [
      "a name in a certificate that does not say of what kind it is",
      { ...WITH_CA, clients: [{ name: "a", certificate: "orders.internal", subjects: {}, enforcer: false }] },
      "api.clients",
    ],
    [
      "a name in a certificate of a kind in other letters, which nobody compares equal",
      { ...WITH_CA, clients: [{ name: "a", certificate: "dns:orders.internal", subjects: {}, enforcer: false }] },
      "api.clients",
    ],
    [
      "two clients that show one token, of whom one would be taken for the other",
      { clients: [...fine.clients, { name: "b", tokenPath: "t", subjects: {}, enforcer: true }] },
      "api.clients",
    ],
    [
      "two clients that are known by one certificate",
      {
        ...WITH_CA,
        clients: ["a", "b"].map((name) => ({ name, certificate: "DNS:a", subjects: {}, enforcer: name === "b" })),
      },
      "api.clients",
    ],
    ["an address with a password, which everybody is shown", { baseUrl: "https://:p@pdp.example" }, "api.baseUrl"],
    ["two clients of one name", { clients: [...fine.clients, ...fine.clients] }, "api.clients"],
    [
      "a client that speaks for accounts of nobody",
      { clients: [{ name: "a", tokenPath: "t", subjects: { user: "https://other.example" }, enforcer: false }] },
      "api.clients",
    ],
    [
      "an access request endpoint that is not https",
      { accessRequestEndpoint: "http://approvals.example/access/v1/requests" },
      "api.accessRequestEndpoint",
    ],
    ["reflection of a service that is not served", { grpcReflection: true }, "api.grpcReflection"],
    [
      "reflection for anybody beyond this machine",
      { host: "0.0.0.0", plaintext: true, grpcPort: 9194, grpcReflection: true },
      "api.grpcReflection",
    ],
  ])("refuses %s", (_what, changes, key) => expect(keysOf(changes)).toEqual([key]));

  test("is refused beside a compatibility policy, which cannot answer it", () => {
    expect(keysOf({}, { path: "envoy/authz/allow" })).toEqual(["api.baseUrl"]);
  });

  test("takes no token that is short or could not be sent", () => {
    expect(tokenFault("short")).toMatch(/shorter/);
    expect(tokenFault("sixteen characters and a space")).toMatch(/RFC 6750/);
    expect(tokenFault("sixteen-characters-and-more")).toBeUndefined();
  });
});
