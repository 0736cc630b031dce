/**
 * Every consumer of our topics against everything that may stand there, on the streams that they run on: each hostile record is refused
 * for its reason and has no effect, and the good record behind it, under the same key and so on the same partition, is taken. What is
 * replayed or delivered twice has no second effect, and the order across keys does not matter.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { EventStream, OutgoingRecord } from "../../../platform/stream/port.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { seeded } from "../../fault/seeded.ts";
import { decisionsConsumer, denialsConsumer } from "./approval-consumers.ts";
import { type Consumer, createPens, type Good, KINDS_OF_STATE, sealed } from "./consumer.ts";
import { HOSTILE, reasonFor } from "./hostile.ts";
import { stateConsumers } from "./state-consumer.ts";

interface ConsumerFixture extends AsyncDisposable {
  createStream(): EventStream;
  createTopic(topic: string, partitions: number): Promise<void>;
}

const TAKEN_MS = 60_000;
const KEYS = [0, 1, 2];

export function consumerSuite(name: string, start: () => Promise<ConsumerFixture>): void {
  const owned = new AsyncDisposableStack();
  const { pens, verifier } = createPens();
  const chance = seeded();
  const state = stateConsumers(verifier);
  const consumers = new Map<string, Consumer>(state.kinds.map((one) => [one.name, one]));
  let writer: EventStream;

  beforeAll(async () => {
    const fixture = owned.use(await start());
    consumers.set("denials", owned.use(await denialsConsumer(verifier)));
    consumers.set("decisions", owned.use(await decisionsConsumer(verifier)));
    owned.use(state);
    writer = owned.use(fixture.createStream());
    const reading = owned.use(fixture.createStream());
    for (const consumer of consumers.values()) {
      for (const { topic, partitions } of consumer.topics) await fixture.createTopic(topic, partitions);
      consumer.start(reading);
    }
  }, 180_000);
  afterAll(() => owned.disposeAsync(), 60_000);

  async function write(...records: readonly OutgoingRecord[]): Promise<void> {
    await waitUntil("an acknowledgement", TAKEN_MS, async () => {
      return (await writer.publish(records, { deadlineMs: 30_000 })).kind === "acked";
    });
  }

  const effectsOf = (goods: readonly Good[]) => Promise.all(goods.map((good) => good.effects()));
  const eachOnce = async (goods: readonly Good[]) => expect(await effectsOf(goods)).toEqual(goods.map(() => 1));
  const taken = (goods: readonly Good[]) =>
    waitUntil("the good records to be taken", TAKEN_MS, async () => {
      return (await effectsOf(goods)).every((count) => count > 0);
    });

  describe.each(["denials", "decisions", ...KINDS_OF_STATE])(`${name}: %s`, (which) => {
    const consumer = (): Consumer => {
      const one = consumers.get(which);
      if (one === undefined) throw new Error(`no consumer of ${which}`);
      return one;
    };
    const signed = (good: Good) => sealed(good, pens.right);
    const isOnState = KINDS_OF_STATE.some((kind) => kind === which);
    /** Of a key's records that come together the reader takes the last one alone: each is given its turn. */
    const isLastAlone = which === "profiles";
    /** Good records so far, as they were written. */
    const written: OutgoingRecord[] = [];
    const writtenOf: Good[] = [];

    async function writeGood(...goods: readonly Good[]): Promise<void> {
      const records = goods.map(signed);
      written.push(...records);
      writtenOf.push(...goods);
      if (!isLastAlone) return write(...records);
      for (const [at, good] of goods.entries()) {
        await write(...records.slice(at, at + 1));
        await taken([good]);
      }
    }

    test.each(HOSTILE)("$name is refused, has no effect, and what stands behind it is taken", async (hostile) => {
      const one = consumer();
      const reason = reasonFor(hostile, one);
      const key = chance.below(KEYS.length);
      const [first, victim] = [one.next(key), one.next(key)];
      await writeGood(first);
      await taken([first]);
      const [before, refused] = [await one.effects(), await one.refused(reason)];
      await write(hostile.make(victim, pens));
      if (isLastAlone) await waitUntil("it to be refused", TAKEN_MS, async () => (await one.refused(reason)) > refused);
      // On the state topic a record that was signed counts at its version, whatever it holds: what comes next has a higher one.
      const behind = isOnState ? one.next(key) : victim;
      await writeGood(behind);
      await taken([behind]);
      expect({ effects: await one.effects(), refused: await one.refused(reason) }).toEqual({
        effects: before + 1,
        refused: refused + 1,
      });
      await eachOnce([first, behind]);
    });

    test("what stands there twice in a row has one effect", async () => {
      const one = consumer();
      const [good, last] = [one.next(0), one.next(0)];
      const before = await one.effects();
      await write(signed(good), signed(good));
      await writeGood(good, last);
      await taken([good, last]);
      expect(await one.effects()).toBe(before + 2);
      await eachOnce([good, last]);
    });

    test("everything that was taken, written once more byte for byte, has no effect and is refused nowhere", async () => {
      const one = consumer();
      const [before, refused] = [await one.effects(), await one.refused()];
      for (let at = 0; at < written.length; at += 20) await write(...written.slice(at, at + 20));
      const last = KEYS.map((key) => one.next(key));
      await writeGood(...last);
      await taken(last);
      expect({ effects: await one.effects(), refused: await one.refused() }).toEqual({
        effects: before + last.length,
        refused,
      });
      await eachOnce(writtenOf);
    });

    test("records of several keys in any order have the same effect, each key's own order kept", async () => {
      const one = consumer();
      const before = await one.effects();
      const queues = KEYS.map((key) => [one.next(key), one.next(key), one.next(key)]);
      const order: Good[] = [];
      while (queues.some((queue) => queue.length > 0)) {
        const good = queues[chance.below(queues.length)]?.shift();
        if (good !== undefined) order.push(good);
      }
      for (const good of order) await writeGood(good);
      await taken(order);
      expect(await one.effects()).toBe(before + order.length);
      await eachOnce(order);
    });
  });

  test(`${name}: on the state topic the highest version stands in whatever order versions come, and the set hash agrees`, async () => {
    const [grants] = state.kinds;
    const [low, middle, high] = [grants.next(0), grants.next(0), grants.next(0)];
    await write(...[high, low, middle].map((good) => sealed(good, pens.right)));
    await taken([high]);
    const nulled = KEYS.map((key) => grants.next(key)); // whatever was taken away above stands again
    await write(...nulled.map((good) => sealed(good, pens.right)), sealed(state.heartbeat(), pens.right));
    await taken(nulled);
    expect(await effectsOf([high, low, middle])).toEqual([1, 0, 0]);
    await waitUntil("the view to be fresh", TAKEN_MS, () => state.isFresh());
  });
}
