import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { systemClock } from "../../platform/clock.ts";
import { createLog } from "../../platform/log/log.ts";
import { createMetrics } from "../../platform/metrics/metrics.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { instant } from "../domain/time.ts";
import type { IssuerConfig } from "./issuers.ts";
import type { PrincipalRule } from "./principal-config.ts";
import * as sample from "../../test/samples/tokens.ts";
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
    { issuers: [issuer], principals: [], callersShowCertificates: true },
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
  for (const text of [...tokens, bad, bad, "x".repeat(1024 * 1024)]) results.push(ask(text).kind);
  expect(results).toEqual(["subject", "subject", "refused", "refused", "refused"]);
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
      callersShowCertificates: true,
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

describe("an issuer without keys", () => {
  /** By a clock that stands, but for what is said to have passed. */
  async function start(
    issuers: readonly IssuerConfig[],
    principals: readonly PrincipalRule[] = [],
    callersShowCertificates = true,
  ) {
    let passedMs = 0;
    const clock = { ...systemClock, monotonicMs: () => passedMs };
    const metrics = createMetrics({ prefix: "t_" });
    const { signal } = new AbortController();
    const log = createLog({ name: "test", level: "silent" });
    const identity = await startIdentity(
      { clock, signal, metrics, log },
      { issuers, principals, callersShowCertificates },
    );
    const usable = async () =>
      [...(await metrics.expose()).text.matchAll(/^t_issuer_keys_usable\{issuer="([^"]+)"\} (\d)$/gm)].map(
        ([, issuer, value]) => `${issuer} ${value}`,
      );
    return {
      ...{ identity, usable, health: () => identity.health(instant(Date.now())) },
      passed: (ms: number) => void (passedMs = ms),
    };
  }
  const common = { audience: ["orders"], algorithms: ["EdDSA"] };
  const AWAY = "https://away.example";
  const without = `no usable keys of ${AWAY}`;
  const away = () => ({ ...common, issuer: AWAY, jwks_file: join(folder, "away.json") });

  test("is waited for, and then keeps nobody from being known by another: degraded, and counted", async () => {
    const file = join(folder, "here.json");
    await writeFile(file, JSON.stringify(sample.jwksOf(sample.keys)));
    const { identity, usable, health, passed } = await start([
      { ...common, issuer: sample.ISSUER, jwks_file: file },
      away(),
    ]);
    await using _owned = identity;
    const both = `no usable keys of ${sample.ISSUER}, ${AWAY}`;
    await waitUntil("the keys of the other", 30_000, () => health().detail !== both);
    expect(health()).toEqual({ status: "failed", detail: without });
    passed(10_000);
    expect(health()).toEqual({ status: "degraded", detail: without });
    expect(await usable()).toEqual([`${sample.ISSUER} 1`, `${AWAY} 0`]);
  });

  test("is a failure for as long as nobody could be known by anything else", async () => {
    const { identity, health, passed } = await start([away()]);
    await using _owned = identity;
    passed(24 * 3_600_000);
    expect(health()).toEqual({ status: "failed", detail: without });
  });

  const rule = { match: "spiffe://example.org/ns/{ns}", issuer: "spiffe://example.org" };
  test("is a failure also where certificates are only mapped, and shown elsewhere", async () => {
    const { identity, health, passed } = await start([away()], [rule], false);
    await using _owned = identity;
    passed(10_000);
    expect(health()).toEqual({ status: "failed", detail: without });
  });

  test("leaves those who are known by a certificate", async () => {
    const { identity, health, passed } = await start([away()], [rule]);
    await using _owned = identity;
    expect(health().status).toBe("failed");
    passed(10_000);
    expect(health()).toEqual({ status: "degraded", detail: without });
  });
});
