/**
 * Writes `examples/audit.ndjson`: one real record of each type of event, byte for byte as it stood on the audit topic of a real run on
 * Kafka, PostgreSQL and Envoy. Started by hand, `node test/examples/write-examples.ts`, when an event changes; it takes half a minute.
 *
 * Two things are made to happen that a run does not do by itself: a policy that routes one request to nobody, so that it fails; and one
 * pending request whose day is said to be over in this run's own database, since nobody waits a day for an example.
 */
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { sealEnvelope } from "../../core/messages/envelope.ts";
import { createSigner } from "../../core/messages/signing.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import { approved, deniedId, granted, REASON, submitted } from "../../sample/story/ask.ts";
import { realStage } from "../../sample/story/real-stage.ts";
import { eventually, members } from "../../sample/story/see.ts";
import type { Stage } from "../../sample/story/stage.ts";
import { createForger } from "../fault/forging.ts";
import { makeBundle } from "../harness/made-bundle.ts";
import { type Answer, textAt } from "../../platform/programs/client.ts";
import { recordsOf } from "../harness/system/topics.ts";
import { startSystem, type System } from "../harness/system.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { AUDIT_TYPES } from "./event-types.ts";

const FILE = join(import.meta.dirname, "../../examples/audit.ndjson");
const REGO = join(import.meta.dirname, "../../rego/countersign");
const UNLESS = 'not contains(input.request.justification, "nobody\'s business")';
const ARRIVAL_MS = 20_000;

/** The sample's policies, with a route that is undefined for one reason. */
async function policies(): Promise<readonly string[]> {
  const names = await readdir(REGO, { recursive: true });
  const modules = names.filter((name) => name.endsWith(".rego") && !name.endsWith("_test.rego"));
  const texts = await Promise.all(modules.map((name) => readFile(join(REGO, name), "utf8")));
  return texts.map((text) => text.replace("if not _automatic\n", `if {\n\tnot _automatic\n\t${UNLESS}\n}\n`));
}

async function expectStatus(what: string, status: number, answer: Promise<Answer>): Promise<Answer> {
  const got = await answer;
  if (got.status !== status) throw new Error(`${what}: ${got.status} ${JSON.stringify(got.body)}`);
  return got;
}

async function play(system: System, stage: Stage): Promise<void> {
  const dana = await stage.as("dana");
  const max = await stage.as("max");
  const denied = (order: string) => deniedId(stage, "DELETE", `/orders/${order}`);
  const pending = async (order: string) => textAt((await submitted(stage, await denied(order))).body, "request", "id");
  const review = async (request: string, who: typeof max, vote: object) => {
    const { body } = await max.approvals("GET", `/v1/requests/${request}`);
    const sent = { digest: textAt(body, "request", "digest"), ...vote };
    return who.approvals("POST", `/v1/requests/${request}/reviews`, { body: sent });
  };

  const used = await pending("42");
  await expectStatus("dana's own review", 403, review(used, dana, { vote: "approve" }));
  const narrowing = { max_uses: 1, duration: "10m" };
  await expectStatus("max's", 200, review(used, max, { vote: "approve", narrowing, comment: "once will do" }));
  const call = () => dana.proxy("DELETE", "/orders/42");
  await eventually("the grant to arrive", ARRIVAL_MS, call, ({ status }) => status === 200);

  const refused = await pending("43");
  await expectStatus("max's no", 200, review(refused, max, { vote: "deny", comment: "the customer wants it back" }));
  const taken = await pending("44");
  await expectStatus("dana's cancel", 200, dana.approvals("POST", `/v1/requests/${taken}/cancel`, { body: {} }));
  const revoked = await granted(stage, await denied("45"));
  const reason = { reason: "not needed any more" };
  await expectStatus("the revocation", 200, max.approvals("POST", `/v1/grants/${revoked}/revoke`, { body: reason }));
  const shortly = textAt((await submitted(stage, await denied("46"), { duration: "2s" })).body, "request", "id");
  await expectStatus("the short grant", 200, approved(stage, shortly));

  const failing = { denial_id: await denied("47"), justification: `${REASON}, which is nobody's business` };
  const submit = () => dana.approvals("POST", "/v1/requests", { body: failing });
  await eventually("the denial to arrive", ARRIVAL_MS, submit, ({ status }) => status === 201);
  await letADayPass(system, await pending("48"));
  await forgeADenial(system);
  const sam = await stage.as("sam");
  const list = () => sam.approvals("GET", "/v1/quarantine?limit=1");
  const { answer: setAside } = await eventually("the forged denial to be set aside", ARRIVAL_MS, list, ({ body }) =>
    JSON.stringify(body).includes('"id"'),
  );
  const { items } = members(setAside.body, "items");
  const record = textAt(Array.isArray(items) ? items[0] : undefined, "id");
  await expectStatus("sam's replay", 200, sam.approvals("POST", `/v1/quarantine/${record}/replay`));
  const incident = { severity: "high", scope: "orders", title: "Orders are sent twice" };
  const opened = await expectStatus("an incident", 201, sam.approvals("POST", "/v1/incidents", { body: incident }));
  const close = `/v1/incidents/${textAt(opened.body, "id")}/close`;
  await expectStatus("its end", 200, sam.approvals("POST", close, { body: { reason: "a queue was read twice" } }));
  const said = { body: { reason: "Forged: signed with nobody's key." } };
  await expectStatus("sam's dismissal", 200, sam.approvals("POST", `/v1/quarantine/${record}/dismiss`, said));
}

/** The request is immutable for everybody but the owner of the tables, who may say otherwise. */
async function letADayPass({ database }: System, request: string): Promise<void> {
  const client = new pg.Client(database.connectionString);
  await client.connect();
  try {
    await client.query("set session_replication_role = replica");
    await client.query("update requests set expires_at = clock_timestamp() where id = $1", [request]);
  } finally {
    await client.end();
  }
}

async function forgeADenial({ kafka, openStream, deployment }: System): Promise<void> {
  const topic = TOPICS.denials.name;
  const [real] = await recordsOf(kafka.settings, topic);
  if (real?.value === null || real?.key === null || real === undefined) throw new Error("no denial to forge after");
  const key = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const address = { deployment, topic, key: real.key };
  await using forger = createForger(openStream());
  await forger.write({
    topic,
    key: real.key,
    ...sealEnvelope(createSigner("decision-1", key), address, 0, real.value),
  });
}

/** The first record of each type; of decisions the first that a grant let through, since it shows the most. */
async function oneOfEach({ kafka }: System): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { value } of await recordsOf(kafka.settings, TOPICS.audit.name)) {
    const text = value?.toString("utf8") ?? "null";
    const event: unknown = JSON.parse(text);
    const type = textAt(event, "type");
    const shown = type !== "countersign.decision.v1" || letThroughByGrant(event);
    if (shown && !found.has(type)) found.set(type, text);
  }
  return found;
}

function letThroughByGrant(event: unknown): boolean {
  const { record, approval } = members(members(event, "data")["data"], "record", "approval");
  return approval !== null && members(record, "outcome")["outcome"] === "allow";
}

const bundle = await mkdtemp(join(tmpdir(), "examples-bundle-"));
try {
  await makeBundle(bundle, await policies(), {});
  await using system = await startSystem({
    approvalSettings: (settings) => ({ ...settings, bundle: { path: bundle, unsigned: "accepted" } }),
  });
  try {
    await play(system, realStage(system));
    await system.decisions[0]?.stop(); // closes its log
    let missing: readonly string[] = [];
    const examples = await waitUntil("a record of each type", 60_000, async () => {
      const found = await oneOfEach(system);
      missing = AUDIT_TYPES.filter((type) => !found.has(type));
      return missing.length === 0 && found;
    }).catch((error: unknown) => {
      throw new Error(`no record of ${missing.join(", ")}`, { cause: error });
    });
    await writeFile(FILE, AUDIT_TYPES.map((type) => `${examples.get(type) ?? ""}\n`).join(""));
    process.stdout.write(`${FILE}: ${AUDIT_TYPES.length} records\n`);
  } catch (error) {
    process.stderr.write(`${await system.logs()}\n`);
    throw error;
  }
} finally {
  await rm(bundle, { recursive: true, force: true });
}
