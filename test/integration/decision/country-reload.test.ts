/** The country database in the running service: a bad file at SIGHUP is refused and said, a good one counts at once. */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { makeMmdb } from "../../harness/mmdb.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { startLoneDecision } from "./lone-decision.ts";

const FIRST = 1_790_000_000;
const SECOND = 1_790_086_400;
const BUILT = "country_database_built_seconds";
const database = (builtAt: number) => makeMmdb({ "192.0.2.0/24": { country: { iso_code: "DE" } } }, { builtAt });

let folder: string;
let path: string;
let decision: Decision;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "country-reload-"));
  path = join(folder, "country.mmdb");
  await writeFile(path, database(FIRST));
  decision = await startLoneDecision({ folder, name: "decision", further: { context: { countryDatabase: path } } });
}, 60_000);
afterAll(async () => {
  await decision?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The line of a metric, without its prefix. */
async function metric(name: string): Promise<string | undefined> {
  const text = await (await fetch(`${decision.opsUrl}/metrics`)).text();
  return text
    .split("\n")
    .find((line) => line.startsWith(`countersign_decision_${name}`))
    ?.split(" ")
    .at(-1);
}

async function swapAndReload(bytes: Buffer): Promise<void> {
  await writeFile(`${path}.new`, bytes);
  await rename(`${path}.new`, path);
  decision.reload();
}

test("a cut file is refused and the last good one stays; the next good one counts without a restart", async () => {
  const refused = 'reload_refused{part="country_database"}';
  expect(await metric(BUILT)).toBe(String(FIRST));
  await swapAndReload(database(SECOND).subarray(0, 100));
  await waitUntil("the reload to be refused", 8_000, async () => (await metric(refused)) === "1");
  expect(await metric(BUILT)).toBe(String(FIRST));
  await swapAndReload(database(SECOND));
  await waitUntil("the new file to count", 8_000, async () => (await metric(BUILT)) === String(SECOND));
  await waitUntil("the reload to be taken", 8_000, async () => (await metric(refused)) === "0");
}, 40_000);
