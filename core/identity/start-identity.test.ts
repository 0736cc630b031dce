import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { systemClock } from "../../platform/clock.ts";
import { createLog } from "../../platform/log/log.ts";
import { createMetrics } from "../../platform/metrics/metrics.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { instant } from "../domain/time.ts";
import * as sample from "./sample-tokens.ts";
import { startIdentity } from "./start-identity.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "start-identity-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("what is remembered of tokens is counted by its outcome, and what is too long is not remembered", async () => {
  const file = join(folder, "jwks.json");
  await writeFile(file, JSON.stringify(sample.jwksOf(sample.keys)));
  const metrics = createMetrics({ prefix: "t_" });
  const issuer = { issuer: sample.ISSUER, audience: ["orders"], algorithms: ["EdDSA"], jwks_file: file };
  await using identity = await startIdentity(
    {
      ...{ clock: systemClock, signal: new AbortController().signal, metrics },
      log: createLog({ name: "test", level: "silent" }),
    },
    { issuers: [issuer], principals: [] },
  );
  const now = () => instant(Date.now());
  await waitUntil("the keys", 5_000, () => identity.health(now()).status === "ok");
  const ask = (bearer: string) => identity.identify({ authorization: [`Bearer ${bearer}`] }, now());
  const iat = Math.floor(Date.now() / 1_000);
  const token = (changes: object) => sample.token(sample.claims({ iat, exp: iat + 60, ...changes }));
  const remembered = async () => {
    const { text } = await metrics.expose();
    return [...text.matchAll(/^t_tokens_remembered\{outcome="(\w+)"\} (\d+)$/gm)].map(([, outcome, count]) => [
      outcome,
      count,
    ]);
  };
  expect(await remembered()).toEqual([
    ["accepted", "0"],
    ["refused", "0"],
  ]);
  const tokens = ["one", "two"].map((sub) => token({ sub }));
  const bad = token({ aud: "others" });
  const results = [];
  for (const text of [...tokens, bad, "x".repeat(1024 * 1024)]) results.push(ask(text).kind);
  expect(results).toEqual(["subject", "subject", "refused", "refused"]);
  expect(await remembered()).toEqual([
    ["accepted", "2"],
    ["refused", "1"],
  ]);
});
