/**
 * What the decision service holds of hostile calls when they are over: nothing. Each kind is sent in rounds, on connections that are given up; none is
 * allowed, and an honest check and one that nobody believes are answered as before. The same rounds against a service with a planted leak show
 * that each kind would be seen leaking.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { frame } from "../../harness/grpc-frames.ts";
import { growthOver, HEAP_AFTER_GC, LEAK_PER_CALL, LEAKING_BYTES } from "../../harness/held-bytes.ts";
import { metricTotal } from "../../harness/metrics.ts";
import { watchOpen } from "../../harness/watch-open.ts";
import { BROKEN_FRAMES, NO_METHODS, NO_REQUESTS, OVERSIZE } from "./hostile-calls.ts";
import { CHECK, check, type HostileTarget, honest, startHostileTarget } from "./hostile-fixture.ts";
import { calling, type Connection, madeOnce, ON_A_CONNECTION, resetting } from "./hostile-rounds.ts";

const ROUNDS = { warmUp: 3_000, rounds: 5, calls: 2_000 };
const CONNECTIONS_AT_ONCE = 4;
/** What it may open or close for itself between two looks: a file of its log, a connection that asks for its metrics. */
const OWN_FILES = 5;

const believed = frame(honest());
const half = believed.subarray(0, believed.length / 2);
const unbelieved = frame(check("/orders/42", ["Bearer a.b.c"]));

let named = 0;
/** So long that it would be seen if it were kept. */
const anotherPath = () => CHECK + "x".repeat(2_000) + (named += 1);

const late = { "grpc-timeout": "1n" };

const KINDS: readonly (readonly [kind: string, connection: Connection])[] = [
  [
    "frames that are broken or hold no request",
    calling([
      ...madeOnce([...BROKEN_FRAMES, ...NO_REQUESTS]),
      ["half a message when its connection is cut", "none", () => ({ body: half, after: "nothing" })],
    ]),
  ],
  [
    "methods that are none",
    calling([
      ...madeOnce(NO_METHODS),
      ["another each time", "grpc UNIMPLEMENTED", () => ({ body: believed, path: anotherPath() })],
    ]),
  ],
  ["messages that are too large", calling(madeOnce(OVERSIZE))],
  [
    "deadlines that have passed",
    calling([
      // Which of the two depends on who is faster.
      ["a check", "503 deadline_exceeded|grpc DEADLINE_EXCEEDED", () => ({ body: believed, headers: late })],
      ["half a check", "grpc DEADLINE_EXCEEDED", () => ({ body: half, headers: late, after: "nothing" })],
    ]),
  ],
  ["streams that are reset", resetting([Buffer.alloc(0), half, believed], unbelieved)],
];

const owned = new AsyncDisposableStack();
let sound: HostileTarget;
let leaking: HostileTarget;
beforeAll(async () => {
  sound = owned.use(await startHostileTarget("sound", undefined, { preload: [HEAP_AFTER_GC] }));
  leaking = owned.use(await startHostileTarget("leaking", undefined, { preload: [HEAP_AFTER_GC, LEAK_PER_CALL] }));
  for (const target of [sound, leaking]) await target.expectServing();
});
afterAll(() => owned.disposeAsync());
afterEach(async () => {
  for (const target of [sound, leaking]) {
    await target.expectServing();
    expect(await target.outcome(unbelieved)).toBe("401 credential_malformed");
  }
});

describe.each([...KINDS])("%s", (kind, connection) => {
  /** Bytes for each call, none of which is allowed. */
  async function growthOf(name: string, { port, opsUrl, ...service }: HostileTarget): Promise<number> {
    const watch = await watchOpen(opsUrl, OWN_FILES);
    const allowed = () => metricTotal(opsUrl, "countersign_decision_decisions_total", { outcome: "allow" });
    const allowedBefore = await allowed();
    // A metric that is not there is 0, and would stay so.
    expect(allowedBefore).toBeGreaterThan(0);
    const wrong: string[] = [];
    const growth = await growthOver(`${name}, ${kind}`, service, ROUNDS, async (count) => {
      let left = count;
      const caller = async () => {
        for (; left > 0; left -= ON_A_CONNECTION) wrong.push(...(await connection(port)));
      };
      await Promise.all(Array.from({ length: CONNECTIONS_AT_ONCE }, caller));
      await watch.letGo();
    });
    expect(wrong.slice(0, 3)).toEqual([]);
    expect(await allowed()).toBe(allowedBefore);
    return growth;
  }

  test("none is allowed, and nothing is held of them", async () => {
    expect(await growthOf("sound", sound)).toBeLessThan(LEAKING_BYTES);
  }, 120_000);

  test("a service that kept 200 bytes of each would be seen", async () => {
    expect(await growthOf("leaking", leaking)).toBeGreaterThan(LEAKING_BYTES);
  }, 120_000);
});
