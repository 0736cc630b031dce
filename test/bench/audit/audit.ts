/**
 * `npm run bench -- audit`: how many events a second the approval service seals and publishes, on a stream in Postgres and on Kafka where that
 * is to be had, beside the floor: the same texts, inserted and published in batches of the same size by a process that does nothing else.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { unsealedEvent } from "../../../core/messages/audit-event.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createDatabase, type Database } from "../../../platform/postgres/pool.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { startBothServices } from "../approval/both-services.ts";
import { startChild } from "../child.ts";
import { median, shown, table } from "../figures.ts";
import { measured } from "../load/measured.ts";
import { onStreams } from "../on-streams.ts";
import type { Bench, Rig } from "../run-bench.ts";
import type { FloorSpec } from "./floor.ts";

const ROUNDS = 5;
const EVENTS = 10_000;
const LOOK_EVERY_MS = 10;
const PATIENCE_MS = 120_000;
const FLOOR = join(import.meta.dirname, "floor.ts");
const log = createLog({ name: "bench", level: "silent" });
const floorTimes = Compile(Type.Object({ insertMs: Type.Number(), publishMs: Type.Number() }));

export const benchAudit: Bench = async ({ rounds = ROUNDS, repeats = EVENTS }, rig) => {
  const streams = await onStreams(rig, (kafka) => measureAudit(kafka, { rounds, repeats }, rig));
  return {
    name: "audit",
    title: "The audit record",
    text: [
      `Medians of ${rounds} interleaved rounds of ${repeats.toLocaleString("en")} events that wait in the outbox at once; ratios within a round. Sealed: hashed, chained and moved into the log. Published: acknowledged by the stream. No latencies: what an event of a burst waits for is those before it. The approval service and the floor are alone on core 0, the database and the stream on core 1.`,
      streams,
    ].join("\n\n"),
  };
};

export async function measureAudit(
  kafka: readonly string[] | undefined,
  { rounds, repeats }: { readonly rounds: number; readonly repeats: number },
  { cores, progress }: Rig,
): Promise<string> {
  await using services = await startBothServices(kafka);
  const { approval, databaseUrl, stream } = services;
  await services.decision.stop(); // its log is not what is measured
  await using database = createDatabase({ log }, { connection: databaseUrl, applicationName: "bench" });
  await database.query("create table bare (id bigint generated always as identity primary key, event json not null)");
  const pid = approval.pid();
  if (pid !== undefined) await cores.measured(pid);
  const server = measured([], [approval.opsUrl]);

  const seen: { sealedMs: number; publishedMs: number; cpuUs: number; bytes: number }[] = [];
  const floor: { insertMs: number; publishMs: number }[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const before = await server.work();
    const times = await sealAndPublish(database, repeats);
    const { cpuS } = await server.work();
    const texts = await sealedTexts(database, repeats);
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / texts.length;
    seen.push({ ...times, cpuUs: ((cpuS - before.cpuS) * 1e6) / repeats, bytes });
    const spec: FloorSpec = { connection: databaseUrl, stream, texts };
    const child = startChild(FLOOR, spec);
    await cores.measured(child.pid);
    floor.push(floorTimes.Parse(await child.answer));
    progress(`round ${round} of ${rounds}: ${shown((repeats * 1_000) / times.publishedMs)} events a second`);
  }
  const perS = (ms: readonly number[]) => shown(median(ms.map((one) => (repeats * 1_000) / one)));
  const floors = {
    insert: floor.map(({ insertMs }) => insertMs),
    publish: floor.map(({ publishMs }) => publishMs),
    both: floor.map(({ insertMs, publishMs }) => insertMs + publishMs),
  };
  const row = (name: string, ours: readonly number[], beside: readonly number[]) => {
    const ratio = median(ours.map((ms, at) => (beside[at] ?? Number.NaN) / ms));
    return [name, perS(ours), perS(beside), shown(ratio)];
  };
  return [
    table(
      ["events of a burst", "a second", "floor, a second", "× floor"],
      [
        row(
          "sealed, against bare INSERT",
          seen.map(({ sealedMs }) => sealedMs),
          floors.insert,
        ),
        row(
          "sealed and published, against bare INSERT, then publish",
          seen.map(({ publishedMs }) => publishedMs),
          floors.both,
        ),
      ],
    ),
    `Events of ${shown(median(seen.map(({ bytes }) => bytes)))} bytes; ${shown(median(seen.map(({ cpuUs }) => cpuUs)))} µs of the approval service's processor time each. Publishing alone: ${perS(floors.publish)} a second.`,
  ].join("\n\n");
}

/** From the commit of the outbox rows: until the last is in the log, and until the relay has its acknowledgement. */
async function sealAndPublish(database: Database, count: number): Promise<{ sealedMs: number; publishedMs: number }> {
  const events = Array.from({ length: count }, unsealed);
  await database.query("insert into outbox (event_id, event) select * from unnest($1::uuid[], $2::json[])", [
    events.map(({ id: eventId }) => eventId),
    events.map((event) => JSON.stringify(event)),
  ]);
  const begun = performance.now();
  const look = { everyMs: LOOK_EVERY_MS };
  await waitUntil(
    "every event to be sealed",
    PATIENCE_MS,
    () => isTrue(database, "select not exists (select 1 from outbox) as holds"),
    look,
  );
  const sealedMs = performance.now() - begun;
  const published = `select (select max(arrival) from audit_log) = position as holds from relay_cursors where name = 'audit-relay'`;
  await waitUntil("every event to be published", PATIENCE_MS, () => isTrue(database, published), look);
  return { sealedMs, publishedMs: performance.now() - begun };
}

async function isTrue(database: Database, question: string): Promise<boolean> {
  const { rows } = await database.query<{ holds: boolean }>(question);
  return rows[0]?.holds === true;
}

/** An event as a command leaves it in the outbox. */
function unsealed() {
  const eventId = id("event", randomUUID());
  const by = {
    person: { realm: "example", id: "dana@example.com" },
    issuer: "https://issuer.example",
    subject: "dana",
  };
  return unsealedEvent(
    {
      type: "grant.used",
      by: { kind: "account", ...by, actors: [] },
      denialId: id("denial", randomUUID()),
      requestId: id("request", randomUUID()),
      grantId: id("grant", randomUUID()),
      policyRevision: "908b8abc894d8bdbc9cc28d5ce371054",
      data: {
        redemptionId: id("decision", randomUUID()),
        uses: 1,
        maxUses: 5,
        entitlement: "orders-delete",
        scope: "order/42",
      },
    },
    eventId,
    instant(Date.now()),
    { deployment: "bench" },
  );
}

async function sealedTexts(database: Database, count: number): Promise<string[]> {
  const { rows } = await database.query<{ event: string }>(
    "select event::text as event from audit_log order by arrival desc limit $1",
    [count],
  );
  return rows.map(({ event }) => event);
}
