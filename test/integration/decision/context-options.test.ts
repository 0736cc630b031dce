/**
 * What the configuration says of context and token reaches a policy in the running service: one service with every such option set, one with
 * none, and a policy that tells what it was given.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hasOpa } from "../../harness/made-bundle.ts";
import { makeMmdb } from "../../harness/mmdb.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { claims, startLoneDecision, token } from "./lone-decision.ts";
import { type Asking, createAsking, makeTellingBundle } from "./telling-policy.ts";

const PROXY = "192.0.2.1";
const CLIENT = "198.51.100.7";
const FORGED = "203.0.113.9";
const HEADER = "x-identity-token";
const SETTINGS = {
  trustedProxies: 1,
  context: {
    timeZone: "Asia/Kolkata",
    officeHours: { days: ["Wednesday"], from: "09:15", to: "17:45" },
    device: { claims: { managed: "device_managed" }, headers: { posture: "x-device-posture" } },
  },
};

const possible = await hasOpa();
const owned = new AsyncDisposableStack();
let decision: Decision;
let asking: Asking;
let plain: Asking;

beforeAll(async () => {
  if (!possible) return;
  const folder = await mkdtemp(join(tmpdir(), "context-options-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const [bundle, countryDatabase] = [join(folder, "bundle"), join(folder, "country.mmdb")];
  const country = (iso_code: string) => ({ country: { iso_code } });
  await makeTellingBundle(bundle);
  await writeFile(countryDatabase, makeMmdb({ [`${PROXY}/32`]: country("DE"), [`${CLIENT}/32`]: country("FR") }));
  const common = { folder, bundle };
  const further = { ...SETTINGS, context: { ...SETTINGS.context, countryDatabase } };
  const identity = { token: { header: HEADER } };
  const started = await Promise.all([
    startLoneDecision({ ...common, name: "told", further, identity }),
    startLoneDecision({ ...common, name: "untold" }),
  ]);
  for (const service of started) owned.use(service);
  decision = started[0];
  asking = createAsking(started[0].port);
  plain = createAsking(started[1].port);
  owned.defer(() => asking.close());
  owned.defer(() => plain.close());
});
afterAll(() => owned.disposeAsync());

const forwarded = (value: string): [string, string] => ["x-forwarded-for", value];

(possible ? describe : describe.skip)("a policy is told", () => {
  test("with nothing configured: the peer, whatever x-forwarded-for says; UTC; no country and no device; the account of `authorization` alone", async () => {
    const headers: [string, string][] = [
      forwarded(`${FORGED}, ${CLIENT}`),
      ["x-device-posture", "healthy"],
      [HEADER, token()],
    ];
    const told = await plain.told({ from: PROXY, headers });
    expect(told).toMatchObject({ from: PROXY, local: { zone: "UTC" } });
    expect(told).not.toHaveProperty("device");
    expect(told).not.toHaveProperty("country");
    expect(told.subject).not.toBe("dana");
    expect((await plain.told({ headers: [["authorization", `Bearer ${token()}`]] })).subject).toBe("dana");
  });

  test("behind one trusted proxy: the entry that it wrote, with its country, and never what a caller put before that", async () => {
    const at = (...values: string[]) => asking.told({ from: PROXY, headers: values.map(forwarded) });
    expect(await at(`${FORGED}, ${CLIENT}`)).toMatchObject({ from: CLIENT, country: "FR" });
    expect(await at(FORGED, CLIENT)).toMatchObject({ from: CLIENT, country: "FR" });
    expect(await at(`${FORGED}, ${CLIENT}, ${PROXY}`)).toMatchObject({ from: CLIENT, country: "FR" });
    // Without the proxy's entry the source is not known; the proxy's own address is none of a client.
    for (const told of [await at(), await at(PROXY), await at(`${CLIENT}, unknown`)]) {
      expect(told).not.toHaveProperty("from");
      expect(told).not.toHaveProperty("country");
    }
  });

  test("what one device header says, nothing of one that comes twice, and what the token says of the device", async () => {
    const posture = (value: string): [string, string] => ["x-device-posture", value];
    expect((await asking.told()).device).toEqual({});
    expect((await asking.told({ headers: [posture("healthy")] })).device).toEqual({ posture: "healthy" });
    expect((await asking.told({ headers: [posture("healthy"), posture("healthy")] })).device).toEqual({});
    const bearer = token({ payload: claims({ device_managed: true }) });
    expect((await asking.told({ headers: [[HEADER, bearer]] })).device).toEqual({ managed: true });
  });

  test("the account of the token in the configured header, and nothing of one in `authorization`", async () => {
    const elsewhere = await asking.told({ headers: [["authorization", `Bearer ${token()}`]] });
    expect(elsewhere.subject).not.toBe("dana");
    expect(await asking.refusal({ headers: [[HEADER, "e30.e30.e30"]] })).toMatch(/^credential_/);
    const both: [string, string][] = [
      [HEADER, token()],
      ["authorization", "Bearer of somebody else"],
    ];
    expect((await asking.told({ headers: both })).subject).toBe("dana");
  });

  test.each([
    ["2027-01-06T03:44", "09:14 of its Wednesday", { hour: 9, minute: 14, office_hours: false }],
    ["2027-01-06T03:45", "09:15", { hour: 9, minute: 15, office_hours: true }],
    ["2027-01-06T12:14", "17:44", { hour: 17, minute: 44, office_hours: true }],
    ["2027-01-06T12:15", "17:45", { hour: 17, minute: 45, office_hours: false }],
    ["2027-01-05T18:30", "the midnight of that Wednesday", { weekday: "Wednesday", hour: 0, office_hours: false }],
    ["2027-01-07T03:45", "09:15 of its Thursday", { weekday: "Thursday", hour: 9, office_hours: false }],
  ])(
    "at %s UTC that it is %s where the organisation works, and whether that is an office hour",
    async (minute, _where, local) => {
      await decision.shiftClock(Date.parse(`${minute}:15Z`) - Date.now());
      const told = await waitUntil(`the service's clock to be at ${minute}`, 30_000, async () => {
        const seen = await asking.told();
        return seen.time?.startsWith(minute) && seen;
      });
      expect(told.local).toMatchObject({ zone: "Asia/Kolkata", ...local });
    },
  );
});
