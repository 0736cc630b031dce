/** A bundle server that does something else: the last good bundle goes on deciding, and the status says why. */
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { BundleServer } from "../../harness/bundle-server.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { allows, INPUT, type Keeping, signedAt, startKeeping } from "./keeping.ts";

const SHORT = { connectMs: 500, headMs: 500, totalMs: 2_000 };

let keeping: Keeping;
beforeEach(async () => {
  keeping = await startKeeping();
});
afterEach(async () => {
  await keeping[Symbol.asyncDispose]();
});

test.each([
  { what: "says 500", reason: "status", answer: (response) => void response.writeHead(500).end("broken") },
  { what: "says 401", reason: "status", answer: (response) => void response.writeHead(401).end() },
  { what: "says 204", reason: "status", answer: (response) => void response.writeHead(204).end() },
  {
    what: "redirects",
    reason: "redirect",
    answer: (response) => void response.writeHead(302, { location: "/bundle.tar.gz?2" }).end(),
  },
  { what: "does not answer", reason: "timeout", answer: () => {} },
  {
    what: "stops in the middle",
    reason: "timeout",
    answer: (response) => void response.writeHead(200).write(Buffer.from([0x1f])),
  },
  {
    what: "sends a byte now and then",
    reason: "timeout",
    answer: (response) => {
      // The head of a gzip with a name, and the name has no end.
      response.writeHead(200).write(Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]));
      const drip = setInterval(() => response.write("x"), 100);
      response.once("close", () => clearInterval(drip));
    },
  },
  { what: "hangs up", reason: "unreachable", answer: (response) => void response.socket?.destroy() },
  {
    what: "sends what is no bundle",
    reason: "unreadable",
    answer: (response) => void response.writeHead(200).end("<html>"),
  },
  {
    what: "sends without end",
    reason: "unreadable",
    answer: (response) => {
      const chunk = randomBytes(1 << 20);
      const more = () =>
        void (response.writable && !response.destroyed && response.write(chunk, () => setImmediate(more)));
      response.writeHead(200);
      more();
    },
  },
] satisfies { what: string; reason: string; answer: Parameters<BundleServer["answer"]>[0] }[])(
  "one that $what: the last good bundle goes on, and the status names it",
  async ({ reason, answer }) => {
    keeping.server.serve(await signedAt("good"), '"1"');
    const { keeper, host } = await keeping.keep(reason === "timeout" ? { times: SHORT } : {});
    await waitUntil("the good one", 30_000, () => host.revision() === "good");
    keeping.server.answer(answer);
    await waitUntil("the failure to show", 30_000, () => keeper.status().failing?.reason === reason);
    expect(keeper.status()).toMatchObject({ active: { revision: "good" }, refused: undefined });
    expect(allows(host)).toBe(true);
    keeping.server.serve(await signedAt("better", -1), '"2"');
    await waitUntil("the next one", 30_000, () => host.revision() === "better");
    await waitUntil("no more trouble", 30_000, () => keeper.status().failing === undefined);
  },
);

test("nothing ever comes: nothing is active, and nothing is decided", async () => {
  const { keeper, host } = await keeping.keep();
  expect(keeper.status()).toMatchObject({ active: undefined, failing: { reason: "status" } });
  expect(host.decide(INPUT, { nowNs: 0n }).verdict).toMatchObject({ reason: "policy_not_loaded" });
  keeping.server.serve(await signedAt("late"), '"1"');
  await keeper.untilActive();
  expect(allows(host)).toBe(true);
});
