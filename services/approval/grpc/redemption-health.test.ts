import { test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { followDatabase } from "./redemption-health.ts";

test("a database that refuses, or that does not answer at all, is NOT_SERVING until it answers again", async () => {
  const said: boolean[] = [];
  let ask = (): Promise<unknown> => Promise.reject(new Error("refused"));
  const stop = new AbortController();
  const followed = followDatabase({ ask: () => ask(), say: (yes) => said.push(yes), signal: stop.signal }, 5);
  const heard = (what: string, yes: boolean) => waitUntil(what, 30_000, () => said.at(-1) === yes);
  await heard("a refusal to be told", false);
  ask = () => Promise.resolve();
  await heard("an answer to be told", true);
  ask = () => new Promise(() => {});
  await heard("silence to be told", false);
  ask = () => Promise.resolve();
  await heard("an answer after silence to be told", true);
  stop.abort();
  await followed;
});
