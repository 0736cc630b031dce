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
  await waitUntil("the keys", 30_000, () => identity.health(now()).status === "ok");
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

test("the age of the keys of each issuer is a metric once there are any, and grows when they cannot be confirmed", async () => {
  const [file, missing] = [join(folder, "aging.json"), join(folder, "missing.json")];
  await writeFile(file, JSON.stringify(sample.jwksOf(sample.keys)));
  const metrics = createMetrics({ prefix: "t_" });
  let passedMs = 0;
  const clock = {
    ...systemClock,
    wallMs: () => Date.now() + passedMs,
    monotonicMs: () => systemClock.monotonicMs() + passedMs,
  };
  const common = { audience: ["orders"], algorithms: ["EdDSA"] };
  await using identity = await startIdentity(
    { clock, signal: new AbortController().signal, metrics, log: createLog({ name: "test", level: "silent" }) },
    {
      issuers: [
        { ...common, issuer: sample.ISSUER, jwks_file: file },
        { ...common, issuer: "https://other.example", jwks_file: missing },
      ],
      principals: [],
    },
  );
  const ages = async () => {
    const { text } = await metrics.expose();
    return [...text.matchAll(/^t_issuer_keys_age_seconds\{issuer="([^"]+)"\} (\S+)$/gm)].map(([, issuer, age]) => [
      issuer,
      Math.floor(Number(age) / 3_600),
    ]);
  };
  await waitUntil("the keys of the one that has some", 30_000, async () => (await ages()).length > 0);
  expect(await ages()).toEqual([[sample.ISSUER, 0]]);
  await rm(file);
  await expect(identity.reload()).rejects.toThrow(sample.ISSUER);
  passedMs = 23 * 3_600_000;
  expect(await ages()).toEqual([[sample.ISSUER, 23]]);
});
