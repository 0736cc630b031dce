/**
 * The keeper over a real server, real signatures, a real disk and the real policy host: whatever the server does and whatever it offers,
 * the last good bundle goes on deciding, and the status says why.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { DEFAULT_BUDGET } from "../../../core/policy/budget.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { bundleOf } from "../../../core/policy/bundle.ts";
import type { BundleFiles } from "../../../core/policy/bundles/bundle-files.ts";
import { createHttpSource } from "../../../core/policy/bundles/http-source.ts";
import { createKeeper, type BundleKeeper, type KeeperEvent } from "../../../core/policy/bundles/keeper.ts";
import { createKeptBundle } from "../../../core/policy/bundles/kept-bundle.ts";
import { createTrustedKeys } from "../../../core/policy/bundles/trusted-keys.ts";
import { createPolicyHost, type PolicyHost } from "../../../core/policy/policy-host.ts";
import { systemClock } from "../../../platform/clock.ts";
import { type BundleServer, startBundleServer } from "../../harness/bundle-server.ts";
import { hasOpa, makeBundle } from "../../harness/made-bundle.ts";
import { bundleKey, changed, nowSeconds, sampleFiles, signedArchive } from "../../harness/signed-bundle.ts";
import { waitUntil } from "../../harness/wait-until.ts";
import { readFolder } from "../../../core/policy/bundles/read-folder.ts";
import { writeArchive } from "../../../core/policy/bundles/write-archive.ts";

jest.setTimeout(60_000);
const testWithOpa = (await hasOpa()) ? test : test.skip;
const key = bundleKey("policy-1");
const stranger = bundleKey("policy-1");
const trust = {
  keys: createTrustedKeys(new Map([["policy-1", key.publicPem]])),
  scope: "",
  unsigned: "refused" as const,
};
const INPUT = JSON.stringify({
  action: { name: "GET" },
  parsed_path: ["orders"],
  subject: { properties: { groups: ["engineers"] } },
});

let sample: BundleFiles;
let folder: string;
let server: BundleServer;
let owned: AsyncDisposableStack;
beforeAll(async () => {
  sample = await sampleFiles();
});
beforeEach(async () => {
  owned = new AsyncDisposableStack();
  folder = await mkdtemp(join(tmpdir(), "keeper-"));
  owned.defer(() => rm(folder, { recursive: true }));
  server = owned.use(await startBundleServer());
});
afterEach(() => owned.disposeAsync());

type Kept = { readonly keeper: BundleKeeper; readonly host: PolicyHost; readonly events: readonly KeeperEvent[] };

async function keep({ builtins = BUILTINS, waitSeconds = 0 } = {}): Promise<Kept> {
  const host = createPolicyHost(
    { builtins, randomBytes, monotonicMs: systemClock.monotonicMs },
    { defaultRealm: "corp", budget: DEFAULT_BUDGET, warmUps: 2 },
  );
  const events: KeeperEvent[] = [];
  const times = { connectMs: 500, headMs: 500, totalMs: 2_000 };
  const source = owned.use(createHttpSource({ url: server.url, waitSeconds, token: "s3cret", times }));
  const keeper = await createKeeper(
    {
      source,
      async take({ files }) {
        const bundle = bundleOf(files);
        const activation = await host.activate(bundle);
        return activation.kind === "refused" ? activation : { ...activation, cases: bundle.selfTest?.length ?? 0 };
      },
      kept: createKeptBundle(join(folder, "kept")),
      trust,
      clock: systemClock,
      signal: new AbortController().signal,
      onEvent: (event) => events.push(event),
    },
    { pollMs: 50 },
  );
  return { keeper: owned.use(keeper), host, events };
}

const allows = (host: PolicyHost) => host.decide(INPUT, { nowNs: 0n }).verdict.kind === "allow";
const signedAt = (revision: string, ago = 0, changes = {}) =>
  signedArchive(changed(sample, revision, changes), key, { issuedAt: nowSeconds() - ago });

describe("a server that does something else", () => {
  test.each([
    { what: "says 500", reason: "status", answer: (response) => void response.writeHead(500).end("broken") },
    { what: "says 401", reason: "status", answer: (response) => void response.writeHead(401).end() },
    { what: "says 204", reason: "status", answer: (response) => void response.writeHead(204).end() },
    {
      what: "redirects",
      reason: "redirect",
      answer: (response) => void response.writeHead(302, { location: "/bundle.tar.gz?2" }).end(),
    },
    { what: "does not answer", reason: "timeout", answer: () => {} },
    {
      what: "stops in the middle",
      reason: "timeout",
      answer: (response) => void response.writeHead(200).write(Buffer.from([0x1f])),
    },
    { what: "hangs up", reason: "unreachable", answer: (response) => void response.socket?.destroy() },
    {
      what: "sends what is no bundle",
      reason: "unreadable",
      answer: (response) => void response.writeHead(200).end("<html>"),
    },
    {
      what: "sends without end",
      reason: "unreadable",
      answer: (response) => {
        const chunk = randomBytes(1 << 20);
        const more = () =>
          void (response.writable && !response.destroyed && response.write(chunk, () => setImmediate(more)));
        response.writeHead(200);
        more();
      },
    },
  ] satisfies { what: string; reason: string; answer: Parameters<BundleServer["answer"]>[0] }[])(
    "one that $what: the last good bundle goes on, and the status names it",
    async ({ reason, answer }) => {
      server.serve(await signedAt("good"), '"1"');
      const { keeper, host } = await keep();
      server.answer(answer);
      await waitUntil("the failure to show", 10_000, () => keeper.status().failing?.reason === reason);
      expect(keeper.status()).toMatchObject({ active: { revision: "good" }, refused: undefined });
      expect(allows(host)).toBe(true);
      server.serve(await signedAt("better", -1), '"2"');
      await waitUntil("the next one", 10_000, () => host.revision() === "better");
      expect(keeper.status().failing).toBeUndefined();
    },
  );

  test("nothing ever comes: nothing is active, and nothing is decided", async () => {
    const { keeper, host } = await keep();
    expect(keeper.status()).toMatchObject({ active: undefined, failing: { reason: "status" } });
    expect(host.decide(INPUT, { nowNs: 0n }).verdict).toMatchObject({ reason: "policy_not_loaded" });
    server.serve(await signedAt("late"), '"1"');
    await keeper.untilActive();
    expect(allows(host)).toBe(true);
  });
});

describe("a bundle that is refused leaves the good one in place", () => {
  const altered = async () => {
    const { signFiles } = await import("../../../core/policy/bundles/sign-files.ts");
    const signed = await signFiles(changed(sample, "bad"), { ...key, issuedAt: nowSeconds() + 1 });
    return writeArchive(changed(signed, "worse"));
  };
  test.each([
    { reason: "unsigned", make: () => writeArchive(changed(sample, "bad")) },
    { reason: "bad_signature", make: () => signedArchive(changed(sample, "bad"), stranger) },
    { reason: "bad_signature", make: altered },
    { reason: "wrong_scope", make: () => signedArchive(changed(sample, "bad"), key, { scope: "staging" }) },
    { reason: "issued_in_future", make: () => signedAt("bad", -3_600) },
    { reason: "expired", make: () => signedArchive(changed(sample, "bad"), key, { expiresAt: nowSeconds() - 1 }) },
    { reason: "replayed", make: () => signedAt("older", 3_600) },
    { reason: "invalid_module", make: () => signedAt("bad", -1, { "policy.wasm": Buffer.from("\0asm\x01\0\0\0x") }) },
    { reason: "invalid_bundle", make: () => signedAt("bad", -1, { "data.json": '{"elsewhere": 1}' }) },
    { reason: "invalid_bundle", make: () => signedAt("bad", -1, { "patch.json": "{}" }) },
    { reason: "invalid_bundle", make: () => signedAt("bad", -1, { "self-test.json": "[]" }) },
    {
      reason: "self_test_failed",
      make: () =>
        signedAt("bad", -1, {
          "self-test.json": JSON.stringify({
            cases: [
              {
                name: "engineers read",
                entrypoint: "decide",
                time: "2026-11-24T10:00:00Z",
                input: JSON.parse(INPUT),
                expect: { outcome: "deny" },
              },
            ],
          }),
        }),
    },
  ])("$reason", async ({ reason, make }) => {
    server.serve(await signedAt("good"), '"1"');
    const { keeper, host, events } = await keep();
    server.serve(await make(), '"2"');
    await waitUntil("the refusal", 10_000, () => keeper.status().refused?.reason === reason);
    expect(host.revision()).toBe("good");
    expect(allows(host)).toBe(true);
    await waitUntil(
      "another look",
      10_000,
      () => server.requests.filter((one) => one["if-none-match"] === '"2"').length > 1,
    );
    expect(events.filter(({ kind }) => kind === "bundle_refused")).toHaveLength(1);
    expect((await readdir(join(folder, "kept"))).length).toBe(1);
  });

  test("missing_builtin", async () => {
    server.serve(await signedAt("good"), '"1"');
    const { keeper, host } = await keep({ builtins: new Map([...BUILTINS].filter(([name]) => name !== "sprintf")) });
    expect(keeper.status().refused).toMatchObject({ reason: "missing_builtin", detail: "not served here: sprintf" });
    expect(host.revision()).toBeUndefined();
  });

  testWithOpa("missing_entrypoint: the manifest promises what the module does not hold", async () => {
    const made = join(folder, "made");
    const modules = ["decision", "approval.route", "approval.may_review"].map((name) => {
      const parts = name.split(".");
      return `package countersign${parts.length > 1 ? `.${parts[0]}` : ""}\n\n${parts.at(-1)} := {"x": 1}\n`;
    });
    await makeBundle(made, modules, { countersign: {} });
    const files = await readFolder(made);
    // One letter of an entrypoint's name inside the module.
    const wasm = Buffer.from(files.get("policy.wasm") ?? []);
    wasm.write("X", wasm.indexOf("countersign/approval/route"));
    server.serve(await signedArchive(new Map(files).set("policy.wasm", wasm), key), '"1"');
    const { keeper } = await keep();
    expect(keeper.status().refused).toMatchObject({
      reason: "missing_entrypoint",
      detail: "countersign/approval/route",
    });
  });
});

describe("what goes well", () => {
  test("a bundle is asked for with the token and its ETag, and swapped in; only new data does not compile the module again", async () => {
    server.serve(await signedAt("one", 10), '"1"');
    const { host, events } = await keep();
    await waitUntil("a look at what is known", 10_000, () => server.requests.at(-1)?.["if-none-match"] === '"1"');
    expect(
      server.requests.every(
        ({ authorization, prefer }) => authorization === "Bearer s3cret" && prefer === "modes=snapshot",
      ),
    ).toBe(true);
    server.serve(
      await signedAt("two", 5, { "data.json": '{"countersign": {"requires": {"orders": ["incidents"]}}}' }),
      '"2"',
    );
    await waitUntil("the new data", 10_000, () => host.revision() === "two");
    expect(host.decide(INPUT, { nowNs: 0n }).verdict).toMatchObject({ reason: "context_unavailable" });
    expect(events.flatMap((event) => (event.kind === "bundle_activated" ? [event.compiled] : []))).toEqual([
      true,
      false,
    ]);
  });

  test("another module is compiled in a thread of its own while the active one decides, and takes over", async () => {
    server.serve(await signedAt("one", 10), '"1"');
    const { host } = await keep();
    const marked = Buffer.concat([sample.get("policy.wasm") ?? Buffer.alloc(0), Buffer.from([0, 3, 1, 0x78, 1])]);
    server.serve(await signedAt("two", 5, { "policy.wasm": marked }), '"2"');
    await waitUntil("the other module", 20_000, () => {
      expect(allows(host)).toBe(true);
      return host.revision() === "two";
    });
    expect(allows(host)).toBe(true);
  });

  test("a server that can wait is asked again at once, and a new bundle arrives without a poll", async () => {
    const type = "application/vnd.openpolicyagent.bundles";
    let waiting: (() => void) | undefined;
    let current = { archive: await signedAt("one", 10), etag: '"1"' };
    server.answer((response, headers) => {
      const send = () =>
        void response.writeHead(200, { etag: current.etag, "content-type": type }).end(current.archive);
      if (headers["if-none-match"] === current.etag) waiting = send;
      else send();
    });
    const { host } = await keep({ waitSeconds: 20 });
    await waitUntil("the held request", 10_000, () => waiting !== undefined);
    expect(server.requests.at(-1)?.["prefer"]).toBe("modes=snapshot;wait=20");
    current = { archive: await signedAt("two", 5), etag: '"2"' };
    waiting?.();
    await waitUntil("the new one", 5_000, () => host.revision() === "two");
  });

  test("a start with the server down begins with the last good bundle, which still knows what is older", async () => {
    server.serve(await signedAt("one", 10), '"1"');
    const first = await keep();
    await waitUntil("one", 5_000, () => first.host.revision() === "one");
    await waitUntil(
      "it to be kept",
      5_000,
      async () => (await readdir(join(folder, "kept"))).join() === "last-good.tar.gz",
    );
    await first.keeper[Symbol.asyncDispose]();

    server.answer((response) => void response.socket?.destroy());
    const { keeper, host } = await keep();
    expect(keeper.status().active).toMatchObject({ revision: "one", from: "kept" });
    expect(allows(host)).toBe(true);
    server.serve(await signedAt("older", 20), '"0"');
    await waitUntil("the refusal", 5_000, () => keeper.status().refused?.reason === "replayed");
    expect(host.revision()).toBe("one");
  });

  test("what was changed on disk meanwhile is refused, and the server's is taken", async () => {
    server.serve(await signedAt("one", 10), '"1"');
    await (await keep()).keeper[Symbol.asyncDispose]();
    const file = join(folder, "kept/last-good.tar.gz");
    for (const content of [(await readFile(file)).subarray(0, 500), await writeArchive(changed(sample, "planted"))]) {
      await writeFile(file, content);
      const { keeper, host, events } = await keep();
      expect(host.revision()).toBe("one");
      expect(events[0]).toMatchObject({ kind: "bundle_refused", from: "kept" });
      await keeper[Symbol.asyncDispose]();
    }
  });
});
