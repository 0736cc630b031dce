/** Several readers of one topic: each partition has one owner at a time, also when one of them goes away or is killed. */
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { createLog } from "../../../platform/log/log.ts";
import { createDatabase } from "../../../platform/postgres/pool.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import { type NodeProcess, startNodeProcess } from "../../harness/node-process.ts";
import { createTestDatabase } from "../../harness/postgres.ts";
import { EFFECTS_SQL } from "./consuming-process.ts";
import { publishSurely, record, type StreamFixture } from "./stream-fixture.ts";

const CONSUMING = join(import.meta.dirname, "consuming-process.ts");

export function ownershipContract(fixture: () => StreamFixture): void {
  test("two owners share a topic by ownership of partitions; when one goes away the other takes its part, with no record lost or out of order", async () => {
    const topic = await fixture().createTopic({ partitions: 4 });
    const owners = new Map<number, string>();
    const offsets = new Map<number, bigint>();
    const handled: { owner: string; partition: number; value: string | undefined }[] = [];
    const instance = (owner: string): EventStream => {
      const stream = fixture().createStream();
      stream.subscribe({
        topic,
        async from(partition) {
          const mine = [...owners.values()].filter((other) => other === owner).length;
          if (owners.has(partition) || mine >= (owners.has(-1) ? 4 : 2)) return "skip";
          owners.set(partition, owner);
          return offsets.get(partition) ?? 0n;
        },
        async handle({ partition, fromOffset, nextOffset, records }) {
          if (owners.get(partition) !== owner) return "release";
          expect(fromOffset).toBe(offsets.get(partition) ?? 0n);
          for (const { value } of records) handled.push({ owner, partition, value: value?.toString() });
          offsets.set(partition, nextOffset);
          return "continue";
        },
      });
      return stream;
    };
    await using writer = fixture().createStream();
    const first = instance("first");
    await using _second = instance("second");
    const keys = Array.from({ length: 20 }, (_, n) => `key-${n}`);
    const publishRound = (round: number) =>
      publishSurely(
        writer,
        keys.map((key) => record(topic, key, `${key}:${round}`)),
      );
    await publishRound(0);
    await waitUntil("the first round", 60_000, () => handled.length >= 20);
    expect(new Set(owners.values())).toEqual(new Set(["first", "second"]));
    await first.close();
    await publishRound(1);
    for (const [partition, owner] of owners) if (owner === "first") owners.delete(partition);
    owners.set(-1, "nobody"); // from now on one owner may hold all
    await publishRound(2);
    await waitUntil("all rounds", 60_000, () => handled.length >= 60);
    expect(handled).toHaveLength(60);
    for (const key of keys) {
      const own = handled.filter(({ value }) => value?.startsWith(`${key}:`)).map(({ value }) => value);
      expect(own).toEqual([`${key}:0`, `${key}:1`, `${key}:2`]);
    }
  }, 90_000);

  test("of two instances that share a topic one is killed; the other takes over, and every record has had its effect once and in order", async () => {
    const topic = await fixture().createTopic({ partitions: 4 });
    await using scratch = await createTestDatabase();
    const log = createLog({ name: "test", level: "silent" });
    const connection = scratch.connectionString;
    await using database = createDatabase({ log }, { connection, applicationName: "test" });
    await database.query(EFFECTS_SQL);
    const instance = (name: string): NodeProcess =>
      startNodeProcess(CONSUMING, [JSON.stringify(fixture().config), topic, connection, name]);
    const instances = [instance("first")];
    await using writer = fixture().createStream();
    const keys = Array.from({ length: 12 }, (_, n) => `key-${n}`);
    const publishRounds = async (from: number, to: number) => {
      for (let round = from; round < to; round += 1) {
        await publishSurely(
          writer,
          keys.map((key) => record(topic, key, String(round))),
        );
      }
    };
    const effects = async () =>
      (
        await database.query<{ instance: string; key: string; value: string }>(
          "select instance, key, value from effects order by n",
        )
      ).rows;
    await publishRounds(0, 10);
    await waitUntil("the first instance at work", 60_000, async () => (await effects()).length > 5);
    instances.push(instance("second"));
    await publishRounds(10, 20);
    await instances[0]?.kill();
    await publishRounds(20, 30);
    await waitUntil("all effects", 60_000, async () => (await effects()).length >= keys.length * 30);
    await instances[1]?.kill();
    const found = await effects();
    expect(new Set(found.map(({ instance: name }) => name))).toEqual(new Set(["first", "second"]));
    for (const key of keys) {
      const own = found.filter((effect) => effect.key === key).map(({ value }) => value);
      expect([key, own]).toEqual([key, Array.from({ length: 30 }, (_, n) => String(n))]);
    }
  }, 120_000);
}
