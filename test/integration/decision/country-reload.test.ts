/**
 * The country database in the running service: a bad file at SIGHUP is refused and said, a good one counts at once, and while they take turns a
 * policy that is asked all the time is told the country of a good one.
 */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hasOpa } from "../../harness/made-bundle.ts";
import { metricLine } from "../../harness/metrics.ts";
import { makeMmdb } from "../../harness/mmdb.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { startLoneDecision } from "./lone-decision.ts";
import { createAsking, makeTellingBundle } from "./telling-policy.ts";

const FIRST = 1_790_000_000;
const SECOND = 1_790_086_400;
const BUILT = "country_database_built_timestamp_seconds";
const database = (builtAt: number, code = "DE") =>
  makeMmdb({ "192.0.2.0/24": { country: { iso_code: code } } }, { builtAt });
const ASKERS = 8;
const ROUNDS = 12;

let folder: string;
let path: string;
let decision: Decision;
const possible = await hasOpa();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "country-reload-"));
  path = join(folder, "country.mmdb");
  await writeFile(path, database(FIRST));
  const bundle = possible ? { bundle: join(folder, "bundle") } : {};
  if (possible) await makeTellingBundle(join(folder, "bundle"));
  const further = { context: { countryDatabase: path } };
  decision = await startLoneDecision({ folder, name: "decision", further, ...bundle });
});
afterAll(async () => {
  await decision?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The value of a metric, named without its prefix. */
async function metric(name: string): Promise<string | undefined> {
  return (await metricLine(decision.opsUrl, `countersign_decision_${name}`))?.split(" ").at(-1);
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
});

(possible ? describe : describe.skip)("under load", () => {
  test("good, cut and other files take turns: each check's policy is told the country of the last good file or of the one before, and no check fails", async () => {
    const asking = createAsking(decision.port);
    const refusedOf = async () => (await decision.log()).split('"event":"reload_refused"').length;
    const bad = [
      database(SECOND).subarray(0, 100),
      Buffer.alloc(0),
      Buffer.from("<html>not found</html>".repeat(40)),
      makeMmdb({ "192.0.2.0/24": { autonomous_system_number: 64_496 } }),
    ];
    let allowed: readonly string[] = ["DE"];
    let ends = false;
    let asked = 0;
    const ask = async () => {
      while (!ends) {
        const before = allowed;
        const { country = "none" } = await asking.told();
        asked += 1;
        expect([...before, ...allowed]).toContain(country);
      }
    };
    const load = Promise.all(Array.from({ length: ASKERS }, ask));
    try {
      await swapAndReload(database(SECOND, "DE"));
      for (let round = 0; round < ROUNDS; round += 1) {
        const refused = await refusedOf();
        await swapAndReload(bad[round % bad.length] ?? Buffer.alloc(0));
        await waitUntil("the bad file to be refused", 8_000, async () => (await refusedOf()) > refused);
        const [last, next, builtAt] = [allowed.at(-1) ?? "", round % 2 === 0 ? "FR" : "DE", SECOND + 1 + round];
        allowed = [last, next];
        await swapAndReload(database(builtAt, next));
        await waitUntil("the good file to count", 8_000, async () => (await metric(BUILT)) === String(builtAt));
        allowed = [next];
        const reached = asked + 2 * ASKERS;
        await Promise.race([load, waitUntil("checks under the new file", 8_000, () => asked >= reached)]);
      }
    } finally {
      ends = true;
      await load;
      asking.close();
    }
  });
});
