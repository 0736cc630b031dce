/**
 * What a stranger reads when a service does not start: both services as processes, each with one thing wrong that no schema can see. Each has
 * to end by itself with the right exit code, and its last line has to be one sentence that names the setting and says what to do, with
 * no stack anywhere.
 */
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { freePort } from "../harness/free-port.ts";
import { createTestDatabase, type TestDatabase } from "../harness/postgres.ts";
import { type Ended, runService } from "../harness/run-service.ts";
import { type KeyPairFiles, makeKeyPair } from "../harness/system/key-pair.ts";
import { migrate } from "../../services/approval/store/migrate.ts";

const BUNDLE = join(import.meta.dirname, "../../rego/bundle");
const issuer = { issuer: "https://i.example", audience: ["a"], algorithms: ["RS256"], jwks_file: "none.json" };
const unvouched = { ...issuer, jwks_file: undefined, jwks_uri: "https://i.example/keys", ca_path: "garbage" };
const NO_AUTHORITY =
  "identity.issuers.0.ca_path: garbage: it contains part of a certificate, or something that is not a certificate";

let folder: string;
let keys: KeyPairFiles;
let others: KeyPairFiles;
let empty: TestDatabase;
let migrated: TestDatabase;
let taken: number;
const blocker = createServer();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "refused-starts-"));
  keys = await makeKeyPair(folder, "key-1");
  others = await makeKeyPair(folder, "key-2");
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  await writeFile(join(folder, "rsa.pem"), rsa.export({ type: "pkcs8", format: "pem" }));
  await writeFile(join(folder, "garbage"), "-----BEGIN CANARY0hunter2");
  empty = await createTestDatabase();
  migrated = await createTestDatabase();
  await migrate(migrated.connectionString);
  blocker.listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const address = blocker.address();
  taken = typeof address === "object" && address !== null ? address.port : 0;
});
afterAll(async () => {
  blocker.close();
  await empty.drop();
  await migrated.drop();
  await rm(folder, { recursive: true });
});

type Change = (settings: Record<string, object | string>) => object;

async function decision(change: Change): Promise<Ended> {
  const ports = { listen: { port: await freePort() }, ops: { port: await freePort() } };
  return run(
    "decision",
    {},
    change({
      ...ports,
      ...common(),
      state: { trustedKeys: { "approval-1": others.publicPath } },
      redemption: { address: `127.0.0.1:${await freePort()}` },
      decisionLog: { folder: join(folder, "log") },
    }),
  );
}

async function approval(change: Change, databaseUrl: string): Promise<Ended> {
  const ports = {
    rest: { port: await freePort() },
    redemption: { port: await freePort() },
    ops: { port: await freePort() },
  };
  const trusted = { decisionServices: { trustedKeys: { "decision-1": others.publicPath } } };
  return run("approval", { DATABASE_URL: databaseUrl }, change({ ...ports, ...common(), ...trusted }));
}

const common = () => ({
  deployment: "test",
  kafka: { brokers: ["127.0.0.1:1"] },
  bundle: { path: BUNDLE, unsigned: "accepted" },
  identity: { issuers: [issuer] },
  signing: { kid: "key-1", keyPath: keys.privatePath },
});

async function run(name: string, env: Record<string, string>, settings: object): Promise<Ended> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(file, stringify(settings, { aliasDuplicateObjects: false }));
  const secrets = { COUNTERSIGN_REDEMPTION_SERVICE_TOKEN: "a token of sixteen and more", ...env };
  return runService(`services/${name}/main.ts`, ["--config", file], secrets, { cwd: folder });
}

/** The sentence of the last line; fails when anything that it said shows a stack. */
function sentence({ code, out, err }: Ended): string {
  expect(`${out}${err}`).not.toMatch(/\n\s+at |\\n\s+at |CANARY0hunter2/);
  const last: unknown = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "");
  // The code and everything before it say more of how it ended.
  expect({ code, out, last }).toMatchObject({ last: { level: "fatal", event: "cannot_start" } });
  return typeof last === "object" && last !== null && "msg" in last ? String(last.msg) : "";
}

describe("the decision service does not start", () => {
  test.each([
    {
      what: "a signing key that is not there",
      change: (one: object) => ({ ...one, signing: { kid: "key-1", keyPath: "absent.pem" } }),
      says: "signing.keyPath: absent.pem: there is no such file; it has to name an Ed25519 private key (PKCS#8, PEM)",
    },
    {
      what: "a signing key of another kind",
      change: (one: object) => ({ ...one, signing: { kid: "key-1", keyPath: "rsa.pem" } }),
      says: "signing.keyPath: key key-1 is rsa, not ed25519; it has to name an Ed25519 private key (PKCS#8, PEM)",
    },
    {
      what: "a signing key that is none",
      change: (one: object) => ({ ...one, signing: { kid: "key-1", keyPath: "garbage" } }),
      says: "signing.keyPath: key key-1 is not a readable PEM key; it has to name an Ed25519 private key (PKCS#8, PEM)",
    },
    {
      what: "a relay's key that is not there",
      change: (one: object) => ({ ...one, state: { trustedKeys: { "approval-1": "gone.pem" } } }),
      says: "state.trustedKeys: gone.pem: there is no such file; it has to name Ed25519 public keys (PEM)",
    },
    {
      what: "a key of this service's own for the relay",
      change: (one: object) => ({ ...one, state: { trustedKeys: { "approval-1": keys.publicPath } } }),
      says: "state.trustedKeys: key approval-1 is the one this service signs with; give each a key of its own; it has to name Ed25519 public keys (PEM)",
    },
    {
      what: "a relay's private key",
      change: (one: object) => ({ ...one, state: { trustedKeys: { "approval-1": keys.privatePath } } }),
      says: "state.trustedKeys: key approval-1 is a private key, which belongs to whoever signs alone; it has to name Ed25519 public keys (PEM)",
    },
    {
      what: "a bundle that is not there",
      change: (one: object) => ({ ...one, bundle: { path: "no-bundle", unsigned: "accepted" } }),
      says: "bundle.path: the bundle cannot be read (no-bundle: there is no such file); it has to name a bundle",
    },
    {
      what: "a bundle that is none",
      change: (one: object) => ({ ...one, bundle: { path: "garbage", unsigned: "accepted" } }),
      says: "bundle.path: the bundle cannot be read (the archive is no tar.gz, or damaged); it has to name a bundle",
    },
    {
      what: "a certificate that is none",
      change: (one: object) => ({ ...one, listen: { port: 0, certPath: "garbage", keyPath: "garbage" } }),
      says: "listen.certPath: it cannot be read as PEM",
    },
    {
      what: "a broker's authority that is not there",
      change: (one: object) => ({ ...one, kafka: { brokers: ["127.0.0.1:1"], tls: true, caPath: "ca.pem" } }),
      says: "kafka: ca.pem: there is no such file; it has to name certificates and keys that can be used (PEM)",
    },
    {
      what: "an authority of an issuer that is none",
      change: (one: object) => ({ ...one, identity: { issuers: [unvouched] } }),
      says: `${NO_AUTHORITY}; it has to name authorities (PEM)`,
    },
    {
      what: "a log folder that is a file",
      change: (one: object) => ({ ...one, decisionLog: { folder: "garbage" } }),
      says: "decisionLog.folder: ",
    },
  ])("with $what", async ({ change, says }) => {
    const ended = await decision(change);
    expect(sentence(ended)).toContain(`cannot start: ${says}`);
    expect(ended.code).toBe(78);
  });

  test.each(["listen", "ops"])("with a port of %s that is taken", async (section) => {
    const ended = await decision((one) => ({ ...one, [section]: { port: taken } }));
    expect(sentence(ended)).toBe(
      `cannot start: ${section}.port: 127.0.0.1:${taken} is taken by another process; end that one or choose another port`,
    );
    expect(ended.code).toBe(1);
  });
});

describe("the approval service does not start", () => {
  test.each(["rest", "redemption", "ops"])("with a port of %s that is taken", async (section) => {
    const ended = await approval((one) => ({ ...one, [section]: { port: taken } }), migrated.connectionString);
    expect(sentence(ended)).toContain(`cannot start: ${section}.port: 127.0.0.1:${taken} is taken by another process`);
    expect(ended.code).toBe(1);
  });

  test("with a database that does not answer, whose password is not repeated", async () => {
    const url = `postgres://approval:CANARY0hunter2@127.0.0.1:${await freePort()}/approval`;
    const ended = await approval((one) => one, url);
    expect(sentence(ended)).toMatch(
      /^cannot start: database\.url \(DATABASE_URL\): 127\.0\.0\.1:\d+ does not answer \(connection refused\); start it, or correct the address$/,
    );
    expect(ended.code).toBe(1);
  });

  test("with a database that does not exist", async () => {
    const url = migrated.connectionString.replace(/test_[0-9a-f]+/, "no_such_database");
    const ended = await approval((one) => one, url);
    expect(sentence(ended)).toContain("does not have this database; create it, or correct the name");
    expect(ended.code).toBe(1);
  });

  test("with a database that was never migrated, and says which command does it", async () => {
    const ended = await approval((one) => one, empty.connectionString);
    expect(sentence(ended)).toContain("database.url (DATABASE_URL): the database lacks migrations: 0001_core");
    expect(sentence(ended)).toContain("run npm run migrate with this configuration");
    expect(ended.code).toBe(78);
  });

  test("with an authority of an issuer that is none", async () => {
    const ended = await approval((one) => ({ ...one, identity: { issuers: [unvouched] } }), migrated.connectionString);
    expect(sentence(ended)).toContain(NO_AUTHORITY);
    expect(ended.code).toBe(78);
  });

  test("with a decision service's key that is none", async () => {
    const decisionServices = { trustedKeys: { "decision-1": join(folder, "garbage") } };
    const ended = await approval((one) => ({ ...one, decisionServices }), migrated.connectionString);
    expect(sentence(ended)).toContain("decisionServices.trustedKeys: key decision-1 is not a readable PEM key");
    expect(ended.code).toBe(78);
  });
});
