import { expect, test } from "@jest/globals";
import { growth, soakPolicy } from "../../bench/policy/policy-soak.ts";

test("memory stays flat over evaluations of up to 64 KB and instances that break; a million of them: npm run bench -- policy-soak", async () => {
  const memory = await soakPolicy(20_000);
  expect(memory.length).toBe(20);
  expect(growth(memory)).toBeLessThan(1.25);
}, 400_000);
