/**
 * A bundle that was signed to decide until a moment, such as one for an emergency: until then it decides, from then on it denies everything,
 * also after a restart, and only one that was signed after it takes its place.
 */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { bundleHealth } from "../../../core/policy/bundles/observe.ts";
import { systemClock } from "../../../platform/clock.ts";
import { changed, nowSeconds, signedArchive } from "../../harness/signed-bundle.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { INPUT, key, type Keeping, sample, signedAt, startKeeping } from "./keeping.ts";

let keeping: Keeping;
let aheadMs: number;
const clock = { ...systemClock, wallMs: () => Date.now() + aheadMs };
beforeEach(async () => {
  keeping = await startKeeping();
  aheadMs = 0;
});
afterEach(async () => {
  await keeping[Symbol.asyncDispose]();
});

const HOUR_S = 3_600;
const validForAnHour = (revision: string, issuedAt = nowSeconds()) =>
  signedArchive(changed(sample, revision), key, { issuedAt, validUntil: issuedAt + HOUR_S, reason: "the fire" });

test("it decides until its end and denies from then on, whatever is asked", async () => {
  const issuedAt = nowSeconds();
  keeping.server.serve(await validForAnHour("emergency", issuedAt), '"1"');
  const { host } = await keeping.keep({ clock });
  const endNs = BigInt(issuedAt + HOUR_S) * 1_000_000_000n;
  const { verdict, fuelUsed } = host.decide(INPUT, { nowNs: endNs });
  expect({ verdict, fuelUsed }).toMatchObject({ verdict: { kind: "fault", reason: "policy_expired" }, fuelUsed: 0 });
  expect(host.route("{}", { nowNs: endNs })).toMatchObject({ kind: "unavailable" });
  expect(host.mayReview("{}", { nowNs: endNs })).toMatchObject({ kind: "unavailable" });
  expect(host.decide(INPUT, { nowNs: endNs - 1n }).verdict.kind).toBe("allow");
});

test("its end is told once and shows as not ready, and a bundle that was signed after it takes over", async () => {
  keeping.server.serve(await validForAnHour("emergency", nowSeconds() - 10), '"1"');
  const { keeper, host, events } = await keeping.keep({ clock });
  expect(bundleHealth(keeper.status())).toEqual({ status: "ok", detail: "emergency" });
  expect(keeper.status()).toMatchObject({ hasEnded: false, active: { bundle: { proof: { reason: "the fire" } } } });
  aheadMs = HOUR_S * 1_000;
  const ends = () => events.filter(({ kind }) => kind === "bundle_ended").length;
  await waitUntil("the end to be told", 30_000, () => ends() > 0);
  expect(bundleHealth(keeper.status())).toMatchObject({
    status: "failed",
    detail: expect.stringContaining("emergency"),
  });
  keeping.server.serve(await signedAt("older", 3_600), '"2"');
  await waitUntil("the older one to be refused", 30_000, () => keeper.status().refused?.reason === "replayed");
  expect(host.revision()).toBe("emergency");
  keeping.server.serve(await signedAt("normal"), '"3"');
  await waitUntil("the normal one", 30_000, () => host.revision() === "normal");
  expect(bundleHealth(keeper.status())).toEqual({ status: "ok", detail: "normal" });
  expect(host.decide(INPUT, { nowNs: BigInt(clock.wallMs()) * 1_000_000n }).verdict.kind).toBe("allow");
  expect(ends()).toBe(1);
});

test("a start after its end begins with it, denies, and still knows what is older; from the server it is refused", async () => {
  const archive = await validForAnHour("emergency", nowSeconds() - 10);
  keeping.server.serve(archive, '"1"');
  await (await keeping.keep({ clock })).keeper[Symbol.asyncDispose]();
  aheadMs = HOUR_S * 1_000;
  keeping.server.serve(await signedAt("older", 3_600), '"2"');
  const { keeper, host } = await keeping.keep({ clock });
  expect(host.revision()).toBe("emergency");
  expect(host.decide(INPUT, { nowNs: BigInt(clock.wallMs()) * 1_000_000n }).verdict).toMatchObject({
    reason: "policy_expired",
  });
  await waitUntil("the older one to be refused", 30_000, () => keeper.status().refused?.reason === "replayed");
  await keeper[Symbol.asyncDispose]();

  await using elsewhere = await startKeeping();
  elsewhere.server.serve(archive, '"1"');
  const { keeper: fresh } = await elsewhere.keep({ clock });
  expect(fresh.status()).toMatchObject({ active: undefined, refused: { reason: "expired" } });
});
