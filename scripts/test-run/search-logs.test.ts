/** The search in what programs said: it finds what it is for, wherever it stands and however it is written, and repeats nothing of it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { MARK } from "./planted.ts";
import { searchLogs } from "./search-logs.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "search-logs-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const token = `${part({ alg: "EdDSA" })}.${part({ sub: "dana" })}.${"s".repeat(86)}`;
const secret = `${MARK}-4711`;
const base64 = (text: string) => Buffer.from(text).toString("base64");

async function foundIn(line: string): Promise<readonly string[]> {
  await writeFile(join(folder, "a.test.ts.decision.log"), `{"event":"started"}\n${line}\n{"event":"stopped"}\n`);
  return (await searchLogs(folder)).found;
}

test.each([
  ["a planted secret", `password ${secret} refused`],
  ["a planted secret", secret.toLowerCase()],
  ["a planted secret", `"${Buffer.from(secret).toString("hex")}"`],
  ["a planted secret", `Basic ${base64(secret)}`],
  ["a planted secret", `Basic ${base64(`u:${secret}`)}`],
  ["a planted secret", `Basic ${base64(`user:${secret}`)}`],
  ["a planted secret", Buffer.from(`dana:${secret}`).toString("base64url")],
  ["a planted secret", encodeURIComponent(`a b ${secret}`)],
  ["a whole token", `authorization: Bearer ${token}`],
  ["a whole token", JSON.stringify(`two lines\n${token}`)],
  ["a whole token", `token_${token}`],
  ["a private key", "-----BEGIN EC PRIVATE KEY-----\\nMC4CAQAw"],
  ["a webhook's secret", `secret whsec_${base64("x".repeat(32))}`],
])("%s is found, with file and line: %s", async (what, line) => {
  const [found = "", ...more] = await foundIn(line);
  expect(more).toEqual([]);
  expect(found).toContain(`a.test.ts.decision.log:2: ${what}: `);
  expect(found).toContain("⟨here⟩");
  expect(found).not.toContain("4711");
  expect(found).not.toContain("ssssss");
});

test.each([
  '{"event":"decision","decision_id":"01930000-0000-7000-8000-0000000000ff","kid":"decision-1"}',
  `two parts of a token tell who it is about: ${part({ alg: "EdDSA" })}.${part({ sub: "dana" })}`,
  "-----BEGIN CERTIFICATE-----",
  "Canary birds, and whsec_ alone",
])("what is none is not found: %s", async (line) => {
  expect(await foundIn(line)).toEqual([]);
});
