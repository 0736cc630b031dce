/** One request has one deadline, by every way through HTTP: what it has waited to be known for is not there a second time. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { everyWay, filesFound, requestText, startAuthzen } from "../../../test/harness/authzen-server.ts";
import { askingBy, CALLERS } from "../../../test/samples/asking.ts";
import { DENIED_BY_API } from "../../../test/samples/evaluation.ts";
import type { ApiCallers } from "../api/ports.ts";
import type { Deadline } from "../ports.ts";

const ALL_MS = 450;
const UNTIL_KNOWN_MS = 300;

let nowMs = 0;
let left: number[] = [];

function deadlineIn(ms: number): Deadline {
  const end = nowMs + ms;
  return { leftMs: () => end - nowMs, within: (shorter) => deadlineIn(Math.min(shorter, end - nowMs)) };
}

/** Who asks waits for a turn before they are known. */
const callers: ApiCallers = {
  ...CALLERS,
  authenticate(...shown) {
    nowMs += UNTIL_KNOWN_MS;
    return CALLERS.authenticate(...shown);
  },
};

async function decided({ leftMs }: Deadline) {
  left.push(leftMs());
  return DENIED_BY_API;
}

let server: Awaited<ReturnType<typeof startAuthzen>>;
beforeEach(async () => {
  [nowMs, left] = [0, []];
  server = await startAuthzen({
    callers,
    asking: askingBy((_question, { deadline }) => decided(deadline), callers),
    evaluateAside: (_question, _vouched, deadline) => decided(deadline),
    candidates: filesFound(1),
    readClocks: () => ({ wall: instant(Date.now()), monoMs: nowMs }),
    newDeadline: (ms = ALL_MS) => deadlineIn(ms),
  });
});
afterEach(async () => server[Symbol.asyncDispose]());

const WAYS = everyWay(1);

test.each(WAYS)("%s has what is left of its time when its caller is known, and no more", async (_what, asked) => {
  const { statuses } = server.sends(requestText(asked));
  await waitUntil("an answer", 2_000, () => statuses().length > 0);
  expect(statuses()).toEqual([200]);
  expect(left).toEqual([ALL_MS - UNTIL_KNOWN_MS]);
});

test.each(WAYS)("%s whose body is waited for loses none of its time by that", async (_what, asked) => {
  const begun = requestText(asked, { bytes: 9 });
  const { socket, statuses } = server.sends(begun);
  await waitUntil("the caller to be known", 2_000, () => nowMs > 0);
  nowMs += 10 * ALL_MS;
  socket.write(requestText(asked).slice(begun.length));
  await waitUntil("an answer", 2_000, () => statuses().length > 0);
  expect(statuses()).toEqual([200]);
  expect(left).toEqual([ALL_MS - UNTIL_KNOWN_MS]);
});
