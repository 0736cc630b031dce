/**
 * What is forged for the approval service, on the real topics: denials and decisions of another signer or place, inconsistent, too large or
 * of no shape. Each is set aside as it came, with its reason, told of in the record and counted; nothing in it counts, and the partition
 * goes on with the next good record.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readDecisionBatch } from "../../core/messages/decision-record.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import type { StreamRecord } from "../../platform/stream/port.ts";
import { deniedId, submitted } from "../../sample/story/ask.ts";
import { realStage } from "../../sample/story/real-stage.ts";
import { members } from "../../sample/story/see.ts";
import type { Stage } from "../../sample/story/stage.ts";
import { recordsOf } from "../harness/system/topics.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { kindOf, readAuditRecord } from "./audit-record.ts";
import { decisionForgeries, denialForgeries, type IntakeForgery, type IntakeSigners } from "./forged-intake.ts";
import { signersOf } from "./forged-state.ts";
import { createForger, type Forger } from "./forging.ts";
import { metricTotal } from "../harness/metrics.ts";
import { say } from "./say.ts";
import { ask } from "./state-topic.ts";

const WITHIN_MS = 60_000;

const possible = await canStartSystem();
let system: System;
let stage: Stage;
let forger: Forger;
let signers: IntakeSigners;

beforeAll(async () => {
  if (!possible) return;
  system = await startSystem();
  stage = realStage(system);
  forger = createForger(system.openStream());
  const all = await signersOf(system);
  signers = { ...all, right: all.decision };
}, 180_000);
afterAll(async () => {
  await forger?.[Symbol.asyncDispose]();
  await system?.[Symbol.asyncDispose]();
}, 60_000);

/** Some real records of a topic, one of each partition that has any. */
async function oneOfEach(topic: string): Promise<readonly StreamRecord[]> {
  const byPartition = new Map<number, StreamRecord>();
  for (const record of await recordsOf(system.kafka.settings, topic)) byPartition.set(record.partition, record);
  return [...byPartition.values()];
}

type Row = {
  readonly partition: number;
  readonly record_offset: string;
  readonly reason: string;
  readonly record_value: Buffer | null;
};

/** Written, and set aside: the rows, and how long that took. */
async function setAside(topic: string, forgeries: readonly IntakeForgery[]) {
  const counted = () => metricTotal(system.approval.opsUrl, "countersign_approval_intake_quarantined_total", { topic });
  const before = await counted();
  const begin = performance.now();
  await forger.write(...forgeries.map(({ record }) => record));
  await waitUntil("all of them to be set aside", WITHIN_MS, async () => (await counted()) - before >= forgeries.length);
  const ms = Math.round(performance.now() - begin);
  const { rows } = await ask<Row>(
    system,
    `select partition, record_offset, reason, record_value from quarantine
      where topic = $1 and replayed_at is null order by id`,
    [topic],
  );
  expect(rows.length).toBe(forgeries.length);
  expect((await counted()) - before).toBe(forgeries.length);
  const said = (reason: string, value: Buffer | null | undefined) => `${reason} ${value?.toString("base64") ?? "null"}`;
  expect(rows.map((row) => said(row.reason, row.record_value)).sort()).toEqual(
    forgeries.map(({ reason, record }) => said(reason, record.value)).sort(),
  );
  return { rows, ms };
}

/** Until every row is told of in the record, once, and the record is whole. */
async function expectTold(topic: string, rows: readonly Row[]): Promise<void> {
  const places = rows.map((row) => [topic, row.partition, row.record_offset, row.reason].join(" ")).sort();
  const record = await waitUntil("the record to tell of all of them", WITHIN_MS, async () => {
    const read = await readAuditRecord(system);
    const told = read.events
      .filter((event) => kindOf(event) === "record.quarantined")
      .map((event) => Object.values(members(members(event, "data")["data"], "topic", "partition", "offset", "reason")))
      .filter(([where]) => where === topic)
      .map((place) => place.join(" "));
    return told.length >= places.length && { ...read, told };
  });
  expect(record.told.toSorted()).toEqual(places);
  expect(record.verdicts.filter(({ kind }) => kind === "broken")).toEqual([]);
}

/** The digest of what the database holds of a table that forgeries could have changed. */
async function countOf(table: "denials" | "requests" | "grants"): Promise<number> {
  const { rows } = await ask<{ count: number }>(system, `select count(*)::int as count from ${table}`);
  return rows[0]?.count ?? 0;
}

(possible ? describe : describe.skip)("what is forged for the approval service", () => {
  test("denials: none can be asked for, each is set aside and told of, and every partition goes on", async () => {
    const topic = TOPICS.denials.name;
    const deny = (order: string) => deniedId(stage, "DELETE", `/orders/${order}`);
    // Keys are hashes: it is chance which partition a denial comes to, so as many as it takes.
    let real = 0;
    const bases = await waitUntil("a denial on each of the three partitions", WITHIN_MS, async () => {
      await deny(`before-${real}`);
      real += 1;
      const found = await oneOfEach(topic);
      return found.length === 3 && found;
    });
    await waitUntil("the real denials to be read", WITHIN_MS, async () => (await countOf("denials")) === real);
    const forgeries = bases.flatMap((base) => denialForgeries(base, signers, system.deployment));
    const { rows, ms } = await setAside(topic, forgeries);
    expect(new Set(rows.map((row) => row.partition))).toEqual(new Set(bases.map(({ partition }) => partition)));

    const { approvals } = await stage.as("dana");
    for (const { name, denialId } of forgeries) {
      expect([name, (await approvals("GET", `/v1/denials/${denialId}`)).status]).toEqual([name, 404]);
    }
    expect(await countOf("denials")).toBe(real);
    const good = await Promise.all(Array.from({ length: 12 }, (_, n) => deny(`after-${n}`)));
    for (const denialId of good) expect((await submitted(stage, denialId)).status).toBe(201);
    expect((await oneOfEach(topic)).length).toBe(3);
    await expectTold(topic, rows);
    say(
      `denials: ${forgeries.length} forgeries on ${bases.length} partitions set aside within ${ms} ms, none known by its id; ` +
        `${good.length} good ones after them submitted`,
    );
  }, 120_000);

  test("decisions: none is on the record, each is set aside and told of, and the log goes on whole", async () => {
    const topic = TOPICS.decisions.name;
    const dana = await stage.as("dana");
    // The last one has to be: on a busy machine it may have to wait for others and go with them, so as often as it takes.
    const base = await waitUntil(
      "a batch of decisions that is small enough to travel unpacked",
      WITHIN_MS,
      async () => {
        await dana.proxy("GET", "/orders/42");
        return (await oneOfEach(topic)).find(
          ({ value }) => value !== null && readDecisionBatch(value).kind === "parsed",
        );
      },
      { everyMs: 250 },
    );
    const forgeries = decisionForgeries(base, signers, system.deployment);
    const { rows, ms } = await setAside(topic, forgeries);
    await expectTold(topic, rows);

    const decisionId = await waitUntil("an answer that names its decision", WITHIN_MS, async () => {
      const { body } = await dana.proxy("PUT", "/orders/42", { body: {} });
      return members(body, "decision_id")["decision_id"] ?? undefined;
    });
    const record = await waitUntil("the next decision to be on the record", WITHIN_MS, async () => {
      const read = await readAuditRecord(system);
      return read.events.some((event) => members(event, "id")["id"] === decisionId) && read;
    });
    expect(record.verdicts.map(({ log, kind }) => [log, kind])).toEqual(
      expect.arrayContaining([[base.key, expect.stringMatching(/whole|tail_unknown/)]]),
    );
    expect(record.verdicts.filter(({ kind }) => kind === "broken")).toEqual([]);
    expect(record.verdicts.some(({ log }) => log.startsWith("pdp/decision-2/"))).toBe(false);
    expect(record.events.some((event) => kindOf(event) === "log_closed")).toBe(false);
    say(`decisions: ${forgeries.length} forgeries set aside within ${ms} ms; the log went on whole`);
  }, 120_000);
});
