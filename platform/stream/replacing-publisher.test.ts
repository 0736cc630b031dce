import { expect, test } from "@jest/globals";
import { waitUntil } from "../programs/wait-until.ts";
import { createLog } from "../log/log.ts";
import { createReplacingPublisher, type PublishingClient } from "./replacing-publisher.ts";

const log = createLog({ name: "test", level: "silent" });
const record = (key: string) => ({ topic: "t", key, value: Buffer.from("v") });

/** Clients that answer when told to. */
function clients() {
  const opened: { readonly answers: PromiseWithResolvers<void>[]; dropped: boolean }[] = [];
  const open = (): PublishingClient => {
    const one = { answers: new Array<PromiseWithResolvers<void>>(), dropped: false };
    opened.push(one);
    return {
      connected: Promise.resolve(),
      send() {
        const answer = Promise.withResolvers<void>();
        one.answers.push(answer);
        return answer.promise;
      },
      drop(reason) {
        one.dropped = true;
        for (const { reject } of one.answers) reject(reason);
      },
    };
  };
  return { opened, open };
}

test("an answer that is late costs the client, since what it holds could be sent after the caller went on", async () => {
  const { opened, open } = clients();
  const publisher = createReplacingPublisher({ open, log });
  expect((await publisher.publish([record("a")], { deadlineMs: 20 })).kind).toBe("unknown");
  expect(opened[0]?.dropped).toBe(true);
  await publisher.close();
});

test("of a record that stands alone it is only late: the publishes of others under way are answered", async () => {
  const { opened, open } = clients();
  const publisher = createReplacingPublisher({ open, log });
  const other = publisher.publish([record("b")], { deadlineMs: 30_000 });
  expect((await publisher.publish([record("a")], { deadlineMs: 20, unordered: true })).kind).toBe("unknown");
  expect(opened[0]?.dropped).toBe(false);
  for (const { resolve } of opened[0]?.answers ?? []) resolve();
  expect((await other).kind).toBe("acked");
  await publisher.close();
});

test.each([["stays silent"], ["fails"]])("a client that %s is replaced all the same", async (how) => {
  const { opened, open } = clients();
  const publisher = createReplacingPublisher({ open, log, silentMs: 40 });
  expect((await publisher.publish([record("a")], { deadlineMs: 10, unordered: true })).kind).toBe("unknown");
  if (how === "fails") opened[0]?.answers[0]?.reject(new Error("connection lost"));
  await waitUntil("another client", 20_000, () => opened.length === 2);
  expect(opened[0]?.dropped).toBe(true);
  const next = publisher.publish([record("b")], { deadlineMs: 30_000 });
  await waitUntil("the record to be sent", 20_000, () => opened[1]?.answers.length === 1);
  opened[1]?.answers[0]?.resolve();
  expect((await next).kind).toBe("acked");
  await publisher.close();
});
