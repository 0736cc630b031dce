import { expect, test } from "@jest/globals";
import { createVerifier } from "../../../core/messages/signing.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createIntake } from "./intake.ts";

const notAsked = () => Promise.reject(new Error("not asked for"));

/** What is read of the topics, so far. */
function starting(untilActive: Promise<void>) {
  const topics: string[] = [];
  const intake = createIntake(
    {
      database: { openSession: notAsked, query: notAsked },
      commands: {
        acceptDenial: notAsked,
        recordDecisions: notAsked,
        quarantine: notAsked,
        replayWith: () => notAsked,
      },
      verifier: createVerifier(new Map()),
      lifecycle: { own: (one) => one },
      log: createLog({ name: "test", level: "silent" }),
      metrics: createMetrics({ prefix: "t_" }),
    },
    { deployment: "test" },
  );
  const stream = { subscribe: ({ topic }: { topic: string }) => void topics.push(topic), endOffsets: notAsked };
  return { topics, started: intake.start(stream, untilActive) };
}

test("before a policy is active no denial is read, and decisions are", async () => {
  const active = Promise.withResolvers<void>();
  const { topics, started } = starting(active.promise);
  expect(topics).toEqual([TOPICS.decisions.name]);
  active.resolve();
  await started;
  expect(topics).toEqual([TOPICS.decisions.name, TOPICS.denials.name]);
});

test("a process that ends before a policy is active reads no denial", async () => {
  const { topics, started } = starting(Promise.reject(new Error("the process ends")));
  await started;
  expect(topics).toEqual([TOPICS.decisions.name]);
});
