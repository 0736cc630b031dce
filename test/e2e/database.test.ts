/**
 * A connection to a database needs approval too: real Envoy (enforcers/envoy/tcp.yaml) in front of a real PostgreSQL. The client speaks TLS
 * from the first byte (`sslnegotiation=direct`, or through a small forwarder) and is who its certificate says. A denied connection has no body to name a denial in, so
 * dana finds hers under the token of the same person.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { type Authority, createAuthority, pairFiles, pemFile } from "../harness/certificates.ts";
import { startEnvoy } from "../harness/envoy.ts";
import { freePort } from "../harness/free-port.ts";
import { textAt } from "../../platform/programs/client.ts";
import { listAt, members } from "../../sample/story/see.ts";
import { REALM } from "../harness/system/issuer.ts";
import { startTlsForwarder } from "../harness/tls-forwarder.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

const NAME = "orders-db.example";
const DOMAIN = "spiffe://example.com";
const principals = [
  {
    match: `${DOMAIN}/people/{user}`,
    issuer: DOMAIN,
    claims: { email: "{user}@example.com" },
    groups: ["engineers"],
    person: { realm: REALM, claim: "email", ignore_case: true },
  },
];
const withPrincipals = <T extends { readonly identity: object }>(settings: T) => ({
  ...settings,
  identity: { ...settings.identity, principals },
});

const possible = await canStartSystem();
const owned = new AsyncDisposableStack();
let system: System;
let port: number;
let servers: Authority;
let clients: Authority;

beforeAll(async () => {
  if (!possible) return;
  const folder = await mkdtemp(join(tmpdir(), "database-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  [servers, clients] = [await createAuthority("servers"), await createAuthority("clients")];
  const server = await pairFiles(folder, NAME, await servers.issue({ name: NAME, use: "server", hosts: [NAME] }));
  system = owned.use(await startSystem({ decisionSettings: withPrincipals, approvalSettings: withPrincipals }));
  port = await freePort();
  owned.use(
    await startEnvoy({
      bootstrap: "enforcers/envoy/tcp.yaml",
      ports: new Map([
        [6432, port],
        [9191, system.decisions[0]?.port ?? 0],
      ]),
      texts: new Map([
        ["/etc/envoy/tls/orders-db.pem", server.cert],
        ["/etc/envoy/tls/orders-db.key", server.key],
        ["/etc/envoy/tls/clients-ca.pem", await pemFile(folder, "clients-ca", clients.ca)],
        ["900s", "3s"],
      ]),
      clusters: [databaseBySocket()],
    }),
  );
}, 180_000);
afterAll(() => owned.disposeAsync(), 60_000);

/** The committed cluster with the embedded server's socket as address, since that server does not listen on TCP. */
function databaseBySocket() {
  const host = new URL(system.database.connectionString.replace("///", "//x/")).searchParams.get("host") ?? "";
  const endpoint = { address: { pipe: { path: join(host, ".s.PGSQL.5432") } } };
  return {
    name: "orders_db",
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: { cluster_name: "orders_db", endpoints: [{ lb_endpoints: [{ endpoint }] }] },
  };
}

type Connected = { readonly kind: "connected"; readonly client: pg.Client; readonly ended: Promise<number> };
type Refused = { readonly kind: "refused"; readonly because: string };

/** Connects with a certificate of this identity, or of none; `ended` is after how many milliseconds it was over. */
async function connect(uri: string | undefined, { name = NAME, by = clients } = {}): Promise<Connected | Refused> {
  const shown = uri === undefined ? {} : await by.issue({ name: "client", use: "client", uris: [uri], hosts: [] });
  const ssl = { ca: servers.ca.toString(), servername: name, checkServerIdentity: () => undefined, ...shown };
  return login({ port, ssl, sslnegotiation: "direct" });
}

/** Connects in plain text to a forwarder that speaks TLS from the first byte and shows this identity. */
async function connectByForwarder(uri: string): Promise<Connected | Refused> {
  const shown = await clients.issue({ name: "client", use: "client", uris: [uri], hosts: [] });
  const forwarder = await startTlsForwarder({ port, servername: NAME, ca: servers.ca, ...shown });
  const outcome = await login({ port: forwarder.port, ssl: false });
  const close = () => forwarder[Symbol.asyncDispose]();
  if (outcome.kind === "connected") outcome.ended.then(close, close);
  else await close();
  return outcome;
}

async function login(by: pg.ClientConfig): Promise<Connected | Refused> {
  const client = new pg.Client({
    ...{ host: "127.0.0.1", user: "postgres", database: "postgres", connectionTimeoutMillis: 30_000, ...by },
  });
  const began = performance.now();
  const ended = new Promise<number>((resolve) => client.once("end", () => resolve(performance.now() - began)));
  let lastError = "";
  client.on("error", (error) => {
    lastError = error.message;
  });
  try {
    await client.connect();
    return { kind: "connected", client, ended };
  } catch (error) {
    return { kind: "refused", because: `${error instanceof Error ? error.message : String(error)} ${lastError}` };
  }
}

const DANA = `${DOMAIN}/people/dana`;
/** As Envoy tells a client what the decision service denied. */
const DENIED = { kind: "refused", because: expect.stringMatching(/access.denied/i) };

async function valueFrom({ client }: Connected): Promise<unknown> {
  const { rows } = await client.query("select 40 + 2 as answer");
  return rows;
}

type Recorded = { readonly [name: string]: unknown };

/** The decisions on record about dana's connections, in order: those that touched a denial, a request or a grant. */
async function decidedOfDana(): Promise<readonly Recorded[]> {
  const sam = await system.as("sam");
  const found: Recorded[] = [];
  for (let after = "0"; ; ) {
    const { body } = await sam.approvals("GET", `/v1/audit?limit=200&after=${after}`);
    const items = listAt(body, "items");
    for (const item of items) {
      const { record } = members(members(members(item, "event")["event"], "data")["data"], "record");
      const decision = members(record, "subject", "outcome", "reason", "grant_reason", "grant_id", "denial_id");
      if (members(decision["subject"], "id")["id"] === DANA) found.push(decision);
    }
    if (items.length === 0) return found;
    after = textAt(body, "next");
  }
}

(possible ? describe : describe.skip)("a connection to a database", () => {
  test.each<[string, () => Promise<Connected | Refused>]>([
    ["without a certificate", () => connect(undefined)],
    ["with a certificate of another authority", async () => connect(DANA, { by: await createAuthority("others") })],
    ["with an identity that is no account", () => connect("spiffe://example.org/people/dana")],
    ["with an identity of another form", () => connect(`${DOMAIN}/people/dana/admin`)],
    ["to a name that is not served", () => connect(DANA, { name: "payroll-db.example" })],
  ])("%s is refused", async (_name, attempt) => {
    expect(await attempt()).toMatchObject({ kind: "refused" });
  });

  test("is denied, asked for under the token of the same person, approved, allowed, and over when its time is over", async () => {
    const [dana, max] = [await system.as("dana"), await system.as("max")];
    // The alert is all that a client is told.
    expect(await connect(DANA)).toMatchObject(DENIED);

    // Where there was no time to publish it, the next one is the same.
    const denials = await waitUntil(
      "the denial to arrive",
      30_000,
      async () => {
        const { status, body } = await dana.approvals("GET", "/v1/denials");
        expect(status).toBe(200);
        return JSON.stringify(body).includes('"tcp"') ? body : void (await connect(DANA));
      },
      { everyMs: 250 },
    );
    expect(denials).toMatchObject({
      items: [{ call: { protocol: "tcp" }, elevations: [{ elevation: { scope: "database/orders" } }] }],
    });
    expect(await max.approvals("GET", "/v1/denials")).toMatchObject({ body: { items: [] } });

    const denialId = textAt(denials, "items", "0", "id");
    const reason = { justification: "looking for the order that is stuck", requested: { duration: "20s" } };
    expect(await max.approvals("POST", "/v1/requests", { body: { denial_id: denialId, ...reason } })).toMatchObject({
      status: 404,
    });
    const submitted = await dana.approvals("POST", "/v1/requests", { body: { denial_id: denialId, ...reason } });
    expect(submitted).toMatchObject({
      status: 201,
      body: { request: { status: "pending", requester: { issuer: DOMAIN, subject: DANA } } },
    });
    const reviews = `/v1/requests/${textAt(submitted.body, "request", "id")}/reviews`;
    const review = { body: { vote: "approve", digest: textAt(submitted.body, "request", "digest") } };
    const herself = await system.as("dana", "other");
    expect(await herself.approvals("POST", reviews, review)).toMatchObject({ body: { code: "is_requester" } });
    expect(await connect(DANA)).toMatchObject(DENIED);
    expect(await connectByForwarder(DANA)).toMatchObject({ kind: "refused" });

    const approved = await max.approvals("POST", reviews, review);
    expect(approved).toMatchObject({ status: 200, body: { grant: { subject: DANA, max_uses: "unlimited" } } });
    const first = await waitUntil("a connection to be allowed", 30_000, async () => {
      const outcome = await connect(DANA);
      return outcome.kind === "connected" && outcome;
    });
    expect(await valueFrom(first)).toEqual([{ answer: 42 }]);
    expect(await connect(`${DOMAIN}/people/max`)).toMatchObject(DENIED);
    const forwarded = await connectByForwarder(DANA);
    if (forwarded.kind !== "connected") throw new Error(forwarded.because);
    expect(await valueFrom(forwarded)).toEqual([{ answer: 42 }]);
    await forwarded.client.end();
    expect(await connectByForwarder(`${DOMAIN}/people/max`)).toMatchObject({ kind: "refused" });

    // NB: by the limit of the connection, while the grant is still live: the next one is allowed.
    const lasted = await first.ended;
    expect(lasted).toBeGreaterThan(2_500);
    expect(lasted).toBeLessThan(10_000);
    await expect(valueFrom(first)).rejects.toThrow();
    const second = await connect(DANA);
    if (second.kind !== "connected") throw new Error(`${second.because}\n${await system.logs()}`);
    expect(await valueFrom(second)).toEqual([{ answer: 42 }]);
    await second.client.end();

    const grantId = textAt(approved.body, "grant", "id");
    // Up to its end the same connection works again and again; from then on it is refused, and what refused it says why.
    const pace = { everyMs: 250 };
    const use = async () => {
      const outcome = await connect(DANA);
      if (outcome.kind === "connected") await outcome.client.end();
      const { body } = await dana.approvals("GET", `/v1/grants/${grantId}`);
      return JSON.stringify(body).includes('"state":"expired"');
    };
    await waitUntil("the grant to be expired", 30_000, use, pace);
    const isExpired = ({ grant_reason: why }: Recorded) => why === "expired";
    const look = async () => {
      expect(await connect(DANA)).toMatchObject(DENIED);
      const all = await decidedOfDana();
      return all.some(isExpired) && all;
    };
    const decided = await waitUntil("the refusal to be on record", 30_000, look, pace);
    const ended = decided.findIndex(isExpired);
    expect(decided[ended - 1]).toMatchObject({ outcome: "allow", grant_id: grantId });
    expect(decided[ended]).toMatchObject({ outcome: "needs_approval", reason: null, denial_id: denialId });
    expect(decided.slice(ended).filter(({ outcome }) => outcome === "allow")).toEqual([]);
  }, 90_000);

  test("is refused when nobody can be asked about it", async () => {
    await system.decisions[0]?.stop();
    expect(await connect(DANA)).toMatchObject({ kind: "refused" });
  }, 30_000);
});
