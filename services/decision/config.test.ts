/**
 * What the decision service refuses to start with: each unsafe combination by itself on top of a configuration that is fine, and named by
 * its key, its variable and what to do. Then how everything is reported together, and what comes from where.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { configFromCommandLine } from "../../platform/config/command-line.ts";
import { DecisionConfigSchema, PREFIX, unsafeTogether } from "./config.ts";

const issuer = {
  issuer: "https://login.example.com",
  audience: ["orders"],
  algorithms: ["RS256"],
  jwks_uri: "https://login.example.com/jwks.json",
};
const fine = {
  deployment: "test",
  listen: {},
  bundle: { path: "bundle", trustedKeys: { "policy-1": "policy.pem" } },
  identity: { issuers: [issuer] },
  signing: { kid: "decision-1", keyPath: "key.pem" },
  state: { trustedKeys: { "approval-1": "approval.pem" } },
  kafka: { brokers: ["kafka:9092"] },
  redemption: { address: "127.0.0.1:9201" },
  decisionLog: { folder: "log" },
};
const TOKEN = "COUNTERSIGN_REDEMPTION_SERVICE_TOKEN";
const secrets = { [TOKEN]: "a token of sixteen and more" };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "decision-config-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function start(settings: object, env: Record<string, string> = secrets, ...more: readonly string[]) {
  const file = join(folder, "config.yaml");
  await writeFile(file, stringify(settings, { aliasDuplicateObjects: false }));
  const args = ["--config", file, ...more];
  return configFromCommandLine({ args, schema: DecisionConfigSchema, env, prefix: PREFIX, rules: unsafeTogether });
}

async function refusal(settings: object, env: Record<string, string> = secrets): Promise<string> {
  const started = await start(settings, env);
  return started.kind === "exit" ? `${started.code} ${started.text}` : "accepted";
}

const tls = { certPath: "c.pem", keyPath: "k.pem" };
const unsafe: readonly {
  readonly what: string;
  readonly settings: object;
  readonly says: string;
  readonly env?: Record<string, string>;
}[] = [
  {
    what: "certificate identities by anybody's word",
    settings: {
      listen: { host: "0.0.0.0", ...tls },
      identity: {
        issuers: [issuer],
        principals: [{ match: "spiffe://example.org/{user}", issuer: "spiffe://example.org" }],
      },
    },
    says: "identity.principals",
  },
  {
    what: "verified claims by anybody's word",
    settings: {
      listen: { host: "0.0.0.0", ...tls },
      identity: { issuers: [issuer], token: { metadata: { key: "payload" } } },
    },
    says: "identity.token.metadata",
  },
  {
    what: "a time zone that does not exist",
    settings: { context: { timeZone: "Europe/Atlantis" } },
    says: "context.timeZone (COUNTERSIGN_CONTEXT_TIME_ZONE): is no time zone",
  },
  {
    what: "office hours that end before they begin",
    settings: { context: { officeHours: { from: "18:00", to: "08:00" } } },
    says: "context.officeHours.to",
  },
  {
    what: "a device by a header that nothing sends",
    settings: { context: { device: { headers: { os: "X-Device-OS" } } } },
    says: "context.device.headers.os",
  },
  {
    what: "a certificate identity by pattern",
    settings: { identity: { issuers: [issuer], principals: [{ match: "spiffe://example.org/*", issuer: "x" }] } },
    says: "identity.principals.0.match",
  },
  {
    what: "inputs that other machines could ask for",
    settings: { ops: { host: "0.0.0.0" }, development: { keepInputs: 10 } },
    says: "development.keepInputs",
  },
  {
    what: "inputs that other machines send",
    settings: { listen: { host: "0.0.0.0", plaintext: true }, development: { keepInputs: 10 } },
    says: "development.keepInputs",
  },
  {
    what: "a candidate from nowhere",
    settings: { bundle: { ...fine.bundle, shadow: {} } },
    says: "bundle.shadow.path (COUNTERSIGN_BUNDLE_SHADOW_PATH): is missing, and there is no url; set one of them",
  },
  {
    what: "a candidate in compatibility mode",
    settings: {
      bundle: { ...fine.bundle, shadow: { path: "next" } },
      policy: { compat: { path: "envoy/authz/allow" } },
    },
    says: "bundle.shadow: compares policies of our own kind, and policy.compat.path is set; remove one of them",
  },
  {
    what: "checks in plain text beyond loopback",
    settings: { listen: { host: "0.0.0.0" } },
    says: "listen.host (COUNTERSIGN_LISTEN_HOST): is not loopback and there is no TLS; set listen.certPath",
  },
  {
    what: "a certificate without its key",
    settings: { listen: { certPath: "c.pem" } },
    says: "listen.certPath (COUNTERSIGN_LISTEN_CERT_PATH): and listen.keyPath belong together; set both or none",
  },
  {
    what: "enforcers asked for certificates without TLS",
    settings: { listen: { clientCaPath: "ca.pem" } },
    says: "listen.clientCaPath (COUNTERSIGN_LISTEN_CLIENT_CA_PATH): asks enforcers for certificates, which needs TLS",
  },
  {
    what: "redemptions in plain text beyond loopback",
    settings: { redemption: { address: "approval.internal:9201" } },
    says: "redemption.address (COUNTERSIGN_REDEMPTION_ADDRESS): is not loopback and there is no TLS; set redemption.tls",
  },
  {
    what: "an address that only begins like loopback",
    settings: { redemption: { address: "127.0.0.1.example.com:9201" } },
    says: "redemption.address (COUNTERSIGN_REDEMPTION_ADDRESS): is not loopback",
  },
  {
    what: "half a client certificate",
    settings: { redemption: { address: "a:1", tls: true, certPath: "c.pem" } },
    says: "redemption.certPath (COUNTERSIGN_REDEMPTION_CERT_PATH): and redemption.keyPath belong together",
  },
  {
    what: "certificates for redemptions while TLS is off",
    settings: { redemption: { address: "localhost:1", ...tls } },
    says: "redemption.tls (COUNTERSIGN_REDEMPTION_TLS): is off although certificates are given; switch it on",
  },
  {
    what: "nothing to prove who asks for a use",
    settings: {},
    env: {},
    says: `redemption.serviceToken (${TOKEN}): is missing and there is no certPath`,
  },
  {
    what: "a service token that can be guessed",
    settings: {},
    env: { [TOKEN]: "short" },
    says: `redemption.serviceToken (${TOKEN}): must not have fewer than 16 characters; correct it`,
  },
  {
    what: "a bundle that nobody needs to have signed",
    settings: { bundle: { path: "bundle", trustedKeys: {} } },
    says: "bundle.trustedKeys (COUNTERSIGN_BUNDLE_TRUSTED_KEYS): is empty, so no bundle could be trusted; name the keys that sign them",
  },
  {
    what: "a state relay that nobody knows",
    settings: { state: { trustedKeys: {} } },
    says: "state.trustedKeys (COUNTERSIGN_STATE_TRUSTED_KEYS): is empty, so no grant could be trusted; name the relay's key",
  },
  {
    what: "an issuer without an audience",
    settings: { identity: { issuers: [{ ...issuer, audience: [] }] } },
    says: "identity.issuers.0.audience: is empty, so any token would do; name at least one audience",
  },
  {
    what: "an issuer whose audience is left out",
    settings: { identity: { issuers: [{ ...issuer, audience: undefined }] } },
    says: "identity.issuers.0.audience: is missing; set it",
  },
  {
    what: "a symmetric algorithm",
    settings: { identity: { issuers: [{ ...issuer, algorithms: ["HS256"] }] } },
    says: "identity.issuers.0.algorithms: HS256 is symmetric",
  },
  {
    what: "no signature at all",
    settings: { identity: { issuers: [{ ...issuer, algorithms: ["none"] }] } },
    says: "identity.issuers.0.algorithms: none is no signature; remove it",
  },
  {
    what: "keys fetched in plain text",
    settings: { identity: { issuers: [{ ...issuer, jwks_uri: "http://login.example.com/jwks.json" }] } },
    says: "identity.issuers.0.jwks_uri: must be https (http only on a loopback address)",
  },
  {
    what: "broker certificates while TLS is off",
    settings: { kafka: { brokers: ["kafka:9092"], caPath: "ca.pem" } },
    says: "kafka.tls (COUNTERSIGN_KAFKA_TLS): is off although certificates are given; switch it on",
  },
  {
    what: "a broker password in clear text beyond loopback",
    settings: { kafka: { brokers: ["kafka:9092"], saslMechanism: "plain", saslUsername: "u" } },
    env: { ...secrets, COUNTERSIGN_KAFKA_SASL_PASSWORD: "p" },
    says: "kafka.saslMechanism (COUNTERSIGN_KAFKA_SASL_MECHANISM): would send the password in clear text beyond loopback",
  },
  {
    what: "a broker login without its password",
    settings: { kafka: { brokers: ["kafka:9092"], saslMechanism: "scram-sha-512", saslUsername: "u" } },
    says: "kafka.saslPassword (COUNTERSIGN_KAFKA_SASL_PASSWORD): is missing",
  },
  {
    what: "a policy whose denials are allowed, without saying unsafe",
    settings: { policy: { compat: { path: "envoy/authz/allow", dryRun: true } } },
    says: "policy.compat.dryRun (COUNTERSIGN_POLICY_COMPAT_DRY_RUN): ",
  },
  {
    what: "a policy whose faults may open a door, without saying unsafe",
    settings: { policy: { compat: { path: "envoy/authz/allow", onError: "grpc_error" } } },
    says: "policy.compat.onError (COUNTERSIGN_POLICY_COMPAT_ON_ERROR): ",
  },
  {
    what: "two streams",
    settings: { stream: { kind: "postgres" } },
    env: { ...secrets, COUNTERSIGN_STREAM_URL: "postgres://h/d" },
    says: "stream: and kafka are both set; set one",
  },
  {
    what: "no stream",
    settings: { kafka: undefined },
    says: "kafka.brokers (KAFKA_BROKERS): is missing; set it, or section stream",
  },
];

describe("refused", () => {
  test.each(unsafe)("$what", async ({ settings, env = secrets, says }) => {
    expect(await refusal({ ...fine, ...settings }, env)).toContain(says);
  });

  test("several unsafe combinations are named together", async () => {
    const text = await refusal({ ...fine, listen: { host: "0.0.0.0", keyPath: "k" }, state: { trustedKeys: {} } }, {});
    expect(text.split("\n").map((line) => line.split(" (")[0])).toEqual([
      "78 listen.certPath",
      "listen.host",
      "redemption.serviceToken",
      "state.trustedKeys",
    ]);
  });

  test("an empty configuration names everything that it needs", async () => {
    const text = await refusal({}, {});
    for (const key of ["deployment", "signing.kid", "signing.keyPath", "decisionLog.folder"]) {
      expect(text).toContain(`${key} (COUNTERSIGN_`);
    }
  });

  test("without a compatibility policy: an approval service that is not named, and no key of its relay", async () => {
    const { redemption: _, state: __, ...rest } = fine;
    const text = await refusal(rest);
    expect(text).toContain("redemption.address (COUNTERSIGN_REDEMPTION_ADDRESS): is missing");
    expect(await refusal({ ...fine, state: { trustedKeys: {} } })).toContain("state.trustedKeys");
  });

  test("what opens a door in compatibility mode without the word unsafe, and a mode without a path", async () => {
    const compat = (section: object) => refusal({ ...fine, policy: { compat: section } });
    expect(await compat({ path: "a/allow", dryRun: true })).toContain("set policy.compat.unsafe to accept that");
    expect(await compat({ path: "a/allow", onError: "grpc_error" })).toContain("policy.compat.onError");
    expect(await compat({ skipRequestBodyParse: true })).toContain("policy.compat.path");
    expect(await compat({ path: "//" })).toContain("names no rule");
  });

  test("what does not exist: a key, a variable, and a spelling of a safety setting", async () => {
    expect(await refusal({ ...fine, listen: { plainText: true } })).toContain("listen.plainText: is not a key");
    expect(await refusal(fine, { ...secrets, COUNTERSIGN_LISTEN_PLAIN_TEXT: "true" })).toContain(
      "COUNTERSIGN_LISTEN_PLAIN_TEXT: is not a variable of this program; remove it or correct its name",
    );
    expect(await refusal(fine, { ...secrets, COUNTERSIGN_DATABASE_MIGRATE: "true" })).toContain("is not a variable");
  });

  test("a secret in the file, which is not repeated", async () => {
    const text = await refusal({
      ...fine,
      redemption: { ...fine.redemption, serviceToken: "hunter2-hunter2-hunter2" },
    });
    expect(text).toContain(`redemption.serviceToken (${TOKEN}): is a secret and may not stand in the file`);
    expect(text).not.toContain("hunter2");
  });

  test("a secret's file that is not there", async () => {
    const text = await refusal(fine, { [`${TOKEN}_FILE`]: join(folder, "absent") });
    expect(text).toContain(`the file in ${TOKEN}_FILE cannot be read (ENOENT); correct its path or permissions`);
  });
});

describe("accepted", () => {
  test("what is fine, with defaults that open nothing beyond loopback", async () => {
    const started = await start(fine);
    expect(started).toMatchObject({
      kind: "run",
      config: {
        listen: { host: "127.0.0.1", plaintext: false },
        ops: { host: "127.0.0.1" },
        redemption: { plaintext: false },
        trustedProxies: 0,
      },
    });
  });

  test("plain text beyond loopback when it is asked for by name, and TLS without asking", async () => {
    expect(await refusal({ ...fine, listen: { host: "0.0.0.0", plaintext: true } })).toBe("accepted");
    expect(await refusal({ ...fine, listen: { host: "0.0.0.0", ...tls, clientCaPath: "ca" } })).toBe("accepted");
    const redemption = { address: "approval.internal:9201", tls: true, ...tls };
    expect(await refusal({ ...fine, redemption }, {})).toBe("accepted");
  });

  test("a secret from the file that its variable names", async () => {
    const file = join(folder, "token");
    await writeFile(file, "a token from a file, long\n");
    const started = await start(fine, { [`${TOKEN}_FILE`]: file });
    expect(started).toMatchObject({ config: { redemption: { serviceToken: "a token from a file, long" } } });
  });

  test("--check-config, which says so with exit code 0 and does not run", async () => {
    expect(await start(fine, secrets, "--check-config")).toEqual({
      kind: "exit",
      code: 0,
      text: "configuration is valid",
    });
  });
});
