import { expect, test } from "@jest/globals";
import { CannotStart } from "../../platform/lifecycle/cannot-start.ts";
import { type Kept, keepRunning } from "./keep-running.ts";

const DOWN = { name: "it", isRunning: () => false, tail: async () => "why" };

function keeping(kept: Kept, stop = new AbortController()) {
  const said: string[] = [];
  const ended = keepRunning(kept, ({ kind, detail }) => void said.push(`${kind}: ${detail}`), stop.signal);
  return { said, ended };
}

test("what ends again and again, or does not start any more, is given up, and every end of it was said", async () => {
  const endless = keeping({ ...DOWN, start: async () => {} });
  await expect(endless.ended).rejects.toThrow("it ends again and again");
  expect(endless.said.filter((one) => one === "ended: why")).toHaveLength(6);
  const stuck = keeping({ ...DOWN, start: () => Promise.reject(new Error("no")) });
  await expect(stuck.ended).rejects.toThrow("it does not start any more");
  let tries = 0;
  const refused = keeping({
    ...DOWN,
    start: () => {
      tries += 1;
      return Promise.reject(new CannotStart("taken by another set"));
    },
  });
  await expect(refused.ended).rejects.toThrow("taken by another set");
  expect(tries).toBe(1); // nothing of it goes on meanwhile
}, 20_000);

test("what ended once is started once, and nothing is started after the end of the set, also when that comes while it is asked why", async () => {
  let runs = false;
  let starts = 0;
  let looks = 0; // since it was started
  const stop = new AbortController();
  const again = keeping(
    {
      ...DOWN,
      isRunning: () => {
        if (runs && (looks += 1) > 2) stop.abort();
        return runs;
      },
      start: async () => {
        starts += 1;
        runs = true;
      },
    },
    stop,
  );
  await again.ended;
  expect(starts).toBe(1);
  expect(again.said).toEqual(["ended: why", "ready: again"]);
  const late = new AbortController();
  const unasked = keeping(
    {
      ...DOWN,
      tail: async () => {
        late.abort();
        return "";
      },
      start: () => Promise.reject(new Error("started after the end")),
    },
    late,
  );
  await unasked.ended;
  expect(unasked.said).toEqual([]);
});
