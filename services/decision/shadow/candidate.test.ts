import { expect, test } from "@jest/globals";
import { DEFAULT_BUDGET } from "../../../core/policy/budget.ts";
import { createCandidate } from "./candidate.ts";

test("a bundle that comes after the end starts no thread, which nobody would end", async () => {
  const lost: string[] = [];
  const settings = { defaultRealm: "test", budget: DEFAULT_BUDGET };
  const candidate = createCandidate({ onLost: () => lost.push("lost") }, { settings });
  await candidate[Symbol.asyncDispose]();
  expect(await candidate.activate(new Map())).toMatchObject({ kind: "refused", reason: "thread_ended" });
  expect(candidate.isActive()).toBe(false);
  expect(lost).toEqual([]);
});
