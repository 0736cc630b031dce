/** `npm run sign-bundle` as an operator types it, and the decision service that is given what it wrote. */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { sampleCheck } from "../../bench/check/sample-check.ts";
import { runService } from "../../harness/run-service.ts";
import { type BundleKey, bundleKey } from "../../harness/signed-bundle.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { claims, nowSeconds, startLoneDecision, token } from "../decision/lone-decision.ts";

const HOUR_MS = 3_600_000;
const key = bundleKey("policy-1");
/** The id of one that is trusted, and another key. */
const stranger = bundleKey("policy-1");

let folder: string;
let archive: string;
let decision: Decision;
const owned = new AsyncDisposableStack();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sign-bundle-"));
  owned.defer(() => rm(folder, { recursive: true }));
  archive = join(folder, "bundle.tar.gz");
  await writeFile(join(folder, "policy-1.pub.pem"), key.publicPem);
  expect(await sign(key)).toMatchObject({ code: 0, out: expect.stringContaining("signed by policy-1 at ") });
  const trust = { unsigned: "refused", trustedKeys: { "policy-1": join(folder, "policy-1.pub.pem") } };
  decision = owned.use(await startLoneDecision({ folder, name: "decision", bundle: archive, trust }));
});
afterAll(() => owned.disposeAsync());

/** Signs the sample into the place that the service reads, whole at once. */
async function sign({ privateKey, keyId }: BundleKey, ...more: readonly string[]) {
  const pem = join(folder, "signing.key.pem");
  await writeFile(pem, privateKey.export({ type: "pkcs8", format: "pem" }));
  const wanted = ["--bundle", "rego/bundle", "--key", pem, "--key-id", keyId, "--out", `${archive}.new`];
  const ended = await runService("scripts/sign-bundle.ts", [...wanted, ...more]);
  if (ended.code === 0) await rename(`${archive}.new`, archive);
  return ended;
}

async function ask(): Promise<{ readonly status: number | undefined; readonly body: string }> {
  const long = token({ payload: claims({ exp: nowSeconds() + 24 * 3_600 }) });
  const client = new Client(`127.0.0.1:${decision.port}`, credentials.createInsecure());
  try {
    const answer = await new Promise<CheckResponse>((resolve, reject) => {
      client.makeUnaryRequest(
        "/envoy.service.auth.v3.Authorization/Check",
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => CheckResponse.decode(bytes),
        sampleCheck("GET", long),
        (error, value) => (value === undefined ? reject(error ?? new Error("no answer")) : resolve(value)),
      );
    });
    const { httpResponse } = answer;
    if (httpResponse?.$case !== "deniedResponse") return { status: answer.status?.code, body: "" };
    return { status: httpResponse.value.status?.code, body: httpResponse.value.body };
  } finally {
    client.close();
  }
}

async function described(): Promise<string> {
  return (await fetch(`${decision.opsUrl}/v1/bundle`)).text();
}

test("what is signed by a trusted key decides, and what another key has signed is refused", async () => {
  expect(await ask()).toEqual({ status: 0, body: "" });
  expect(await sign(stranger)).toMatchObject({ code: 0 });
  decision.reload();
  await waitUntil("the refusal", 20_000, async () => (await described()).includes('"reason":"bad_signature"'));
  expect(await ask()).toEqual({ status: 0, body: "" });
});

test("without a key, with one that is none, or with a lifetime that is none, nothing is written", async () => {
  for (const [args, why] of [
    [[], "usage: "],
    [["--bundle", "rego/bundle", "--key", archive, "--key-id", "k", "--out", join(folder, "x")], ""],
  ] as const) {
    const ended = await runService("scripts/sign-bundle.ts", args);
    expect(ended).toMatchObject({ code: 1, out: "", err: expect.stringContaining(why) });
  }
  expect(await sign(key, "--valid-for", "soon")).toMatchObject({
    code: 1,
    err: "--valid-for is no duration such as 30m or 24h\n",
  });
});

test("a bundle that is valid for an hour decides for an hour, and then the service denies and is not ready", async () => {
  expect(await sign(key, "--valid-for", "1h", "--reason", "the fire")).toMatchObject({ code: 0 });
  decision.reload();
  await waitUntil("it to be active", 20_000, async () => (await described()).includes('"reason":"the fire"'));
  expect(await ask()).toEqual({ status: 0, body: "" });
  await decision.shiftClock(HOUR_MS);
  await waitUntil("the end", 30_000, async () => (await ask()).status === 503);
  expect((await ask()).body).toContain("policy_expired");
  const ready = await fetch(`${decision.opsUrl}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.text()).toContain("was signed to decide until a moment that has passed");
});
