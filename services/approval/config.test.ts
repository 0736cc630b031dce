/**
 * What the approval service refuses to start with: each unsafe combination by itself on top of a configuration that is fine, and named by
 * its key, its variable and what to do. What both services refuse alike is in test/samples/unsafe-in-both.ts.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createConfigStart, type UnsafeCase } from "../../test/harness/config-start.ts";
import { unsafeInBoth } from "../../test/samples/unsafe-in-both.ts";
import { ApprovalConfigSchema, policySettings, PREFIX, unsafeTogether } from "./config.ts";

const issuer = {
  issuer: "https://login.example.com",
  audience: ["countersign"],
  algorithms: ["RS256"],
  jwks_uri: "https://login.example.com/jwks.json",
};
const fine = {
  deployment: "test",
  kafka: { brokers: ["kafka:9092"] },
  bundle: { path: "bundle", trustedKeys: { "policy-1": "policy.pem" } },
  identity: { issuers: [issuer] },
  signing: { kid: "approval-1", keyPath: "key.pem" },
  decisionServices: { trustedKeys: { "decision-1": "decision.pem" } },
};
const TOKEN = "COUNTERSIGN_REDEMPTION_SERVICE_TOKEN";
const secrets = {
  DATABASE_URL: "postgres://approval:pass-word@db/approval?sslmode=verify-full",
  [TOKEN]: "a token of sixteen and more",
};
const withoutToken = { DATABASE_URL: secrets.DATABASE_URL };

const { start, refusal } = createConfigStart(
  { schema: ApprovalConfigSchema, prefix: PREFIX, rules: unsafeTogether },
  secrets,
);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "approval-config-"));
});
afterAll(() => rm(folder, { recursive: true }));

const WEBHOOK = { COUNTERSIGN_WEBHOOK_SECRET: "whsec_b25seSBmb3IgdGhpcyB0ZXN0IGFuZCBubyBvdGhlcg==" };
const tls = { certPath: "c.pem", keyPath: "k.pem" };
const unsafe: readonly UnsafeCase[] = [
  {
    what: "REST in plain text beyond loopback",
    settings: { rest: { host: "0.0.0.0" } },
    says: "rest.host (COUNTERSIGN_REST_HOST): is not loopback and there is no TLS; set rest.certPath",
  },
  {
    what: "half a certificate of REST",
    settings: { rest: { keyPath: "k.pem" } },
    says: "rest.certPath (COUNTERSIGN_REST_CERT_PATH): and rest.keyPath belong together; set both or none",
  },
  {
    what: "a service token in plain text beyond loopback",
    settings: { redemption: { host: "0.0.0.0" } },
    says: "redemption.host (COUNTERSIGN_REDEMPTION_HOST): is not loopback and there is no TLS; set redemption.certPath",
  },
  {
    what: "half a certificate of redemption",
    settings: { redemption: { certPath: "c.pem" } },
    says: "redemption.certPath (COUNTERSIGN_REDEMPTION_CERT_PATH): and redemption.keyPath belong together",
  },
  {
    what: "decision services asked for certificates without TLS",
    settings: { redemption: { clientCaPath: "ca.pem" } },
    says: "redemption.clientCaPath (COUNTERSIGN_REDEMPTION_CLIENT_CA_PATH): asks for certificates, which needs TLS",
  },
  {
    what: "redemption open to anybody",
    settings: { redemption: tls },
    env: withoutToken,
    says: `redemption.serviceToken (${TOKEN}): is missing and there is no clientCaPath, so anybody could spend grants`,
  },
  {
    what: "nobody who could ask",
    settings: { identity: { issuers: [] } },
    says: "identity.issuers (COUNTERSIGN_IDENTITY_ISSUERS): is empty, so nobody could ask or approve",
  },
  {
    what: "one realm in which two spellings are one person for one issuer and two for the other",
    settings: {
      identity: {
        issuers: [
          { ...issuer, person: { realm: "r", claim: "email", ignore_case: true } },
          { ...issuer, issuer: "https://other.example", person: { realm: "r", claim: "email" } },
        ],
      },
    },
    says: "identity.issuers.1.person.ignore_case (COUNTERSIGN_IDENTITY_ISSUERS): must be the same for every issuer of one realm",
  },
  {
    what: "a role for an issuer that nobody trusts",
    settings: { roles: { security: [{ issuer: "https://elsewhere.example", group: "security" }] } },
    says: "roles.security.0.issuer (COUNTERSIGN_ROLES_SECURITY): is not an issuer of identity.issuers; correct it",
  },
  {
    what: "decision services that nobody knows",
    settings: { decisionServices: { trustedKeys: {} } },
    says: "decisionServices.trustedKeys (COUNTERSIGN_DECISION_SERVICES_TRUSTED_KEYS): is empty, so no denial could be trusted",
  },
  {
    what: "a webhook whose receivers could not verify it",
    settings: { webhook: { url: "https://chat.example.com/hook" } },
    says: "webhook.secret (COUNTERSIGN_WEBHOOK_SECRET): is missing; set COUNTERSIGN_WEBHOOK_SECRET or its _FILE",
  },
  {
    what: "a webhook that is no web address",
    settings: { webhook: { url: "file:///etc/passwd" } },
    env: { ...secrets, ...WEBHOOK },
    says: "webhook.url (COUNTERSIGN_WEBHOOK_URL): is not an http(s) URL; correct it",
  },
  {
    what: "one port for two purposes",
    settings: { rest: { port: 9201 } },
    says: "redemption.port (COUNTERSIGN_REDEMPTION_PORT): is that of rest.port too; give each its own",
  },
  {
    what: "access requests at an address that is not https",
    settings: {
      accessRequests: {
        endpoint: "http://approvals.example/access/v1/requests",
        decisionPoints: ["https://pdp.example"],
      },
    },
    says: "accessRequests.endpoint (COUNTERSIGN_ACCESS_REQUESTS_ENDPOINT): has to be an https address",
  },
  {
    what: "access requests by nobody's tokens",
    settings: { accessRequests: { endpoint: "https://approvals.example/access/v1/requests", decisionPoints: [] } },
    says: "accessRequests.decisionPoints (COUNTERSIGN_ACCESS_REQUESTS_DECISION_POINTS): is empty, so no binding token would count",
  },
  {
    what: "no database",
    settings: {},
    env: { [TOKEN]: secrets[TOKEN] },
    says: "database.url (DATABASE_URL): is missing; set it",
  },
];

describe("refused", () => {
  test.each([...unsafe, ...unsafeInBoth(fine, secrets)])("$what", async ({ settings, env, says }) => {
    const text = await refusal({ ...fine, ...settings }, env);
    expect(text).toContain(says);
    expect(text).not.toMatch(/h[uü]nter2/);
  });

  test("several unsafe combinations are named together", async () => {
    const settings = {
      ...fine,
      rest: { host: "0.0.0.0" },
      redemption: { host: "::" },
      decisionServices: { trustedKeys: {} },
    };
    const text = await refusal(settings, withoutToken);
    expect(text.split("\n").map((line) => line.split(" (")[0])).toEqual([
      "78 rest.host",
      "redemption.host",
      "redemption.serviceToken",
      "decisionServices.trustedKeys",
    ]);
  });

  test("secrets in the file, none of which is repeated", async () => {
    const text = await refusal(
      { ...fine, database: { url: "postgres://u:hunter2@h/d" }, redemption: { serviceToken: "hunter2" } },
      {},
    );
    expect(text).toContain(
      "database.url (DATABASE_URL): is a secret and not allowed in the file; set DATABASE_URL_FILE",
    );
    expect(text).toContain(`redemption.serviceToken (${TOKEN}): is a secret`);
    expect(text).not.toContain("hunter2");
  });

  test("a key and a variable that do not exist", async () => {
    expect(await refusal({ ...fine, roles: { securty: [] } })).toContain("roles.securty: is not a key of this program");
    expect(await refusal(fine, { ...secrets, COUNTERSIGN_REST_PLAIN_TEXT: "true" })).toContain("is not a variable");
  });
});

describe("accepted", () => {
  test("issuers and certificates, by which a person whom a route names is brought to the form of the realm", async () => {
    const person = (realm: string) => ({ person: { realm, claim: "sub", ignore_case: true } });
    const identity = {
      issuers: [{ ...issuer, ...person("corp") }],
      principals: [{ match: "spiffe://desk/{user}", issuer: "spiffe://desk", ...person("desk") }],
    };
    const started = await start({ ...fine, identity });
    if (started.kind === "exit") throw new Error(started.text);
    const { personId } = policySettings(started.config);
    const ids = ["corp", "desk", "default"].map((realm) => personId(realm, "Kim@Example.com"));
    expect(ids).toEqual(["kim@example.com", "kim@example.com", "Kim@Example.com"]);
  });

  test("what is fine, with defaults that open nothing beyond loopback", async () => {
    expect(await start(fine)).toMatchObject({
      kind: "run",
      config: {
        rest: { host: "127.0.0.1", plaintext: false },
        redemption: { host: "127.0.0.1" },
        ops: { host: "127.0.0.1" },
        database: { migrate: false },
        roles: { security: [] },
      },
    });
  });

  test("certificates in place of a service token", async () => {
    const redemption = { host: "0.0.0.0", ...tls, clientCaPath: "ca.pem" };
    expect(await refusal({ ...fine, redemption }, withoutToken)).toBe("accepted");
  });

  test("--check-config, which says so with exit code 0, names the files that are not here, and does not run", async () => {
    const here = join(folder, "here");
    await writeFile(here, "not looked at");
    const keys = { "key-1": here };
    const settings = {
      ...fine,
      bundle: { path: folder, trustedKeys: keys },
      signing: { kid: "approval-1", keyPath: here },
      decisionServices: { trustedKeys: keys },
    };
    const valid = { kind: "exit", code: 0 };
    expect(await start(settings, secrets, "--check-config")).toEqual({
      ...valid,
      text: "configuration is valid; the files that it names are there, and were not opened",
    });
    const webhook = { url: "https://chat.example.com/hook", caPath: "ca.pem" };
    expect(await start({ ...settings, webhook }, { ...secrets, ...WEBHOOK }, "--check-config")).toEqual({
      ...valid,
      text: "configuration is valid; of the files that it names these cannot be read here:\nwebhook.caPath: ca.pem: there is no such file",
    });
  });
});
