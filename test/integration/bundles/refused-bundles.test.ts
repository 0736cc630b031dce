/** What a source may offer and is not taken: the last good bundle goes on deciding, and the status says why. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { CompactSign, decodeJwt } from "jose";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import type { BundleFiles } from "../../../core/policy/bundles/bundle-files.ts";
import { readFolder } from "../../../core/policy/bundles/read-folder.ts";
import { signFiles } from "../../../core/policy/bundles/sign-files.ts";
import { writeArchive } from "../../../core/policy/bundles/write-archive.ts";
import { hasOpa, makeBundle, NO_APPROVAL } from "../../harness/made-bundle.ts";
import { bundleKey, changed, nowSeconds, signedArchive } from "../../harness/signed-bundle.ts";
import { systemClock } from "../../../platform/clock.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { allows, INPUT, key, type Keeping, sample, signedAt, startKeeping } from "./keeping.ts";

const testWithOpa = (await hasOpa()) ? test : test.skip;
const stranger = bundleKey("policy-1");

let keeping: Keeping;
beforeEach(async () => {
  keeping = await startKeeping();
});
afterEach(async () => {
  await keeping[Symbol.asyncDispose]();
});

/** As `opa sign` makes it without a claims file. */
async function undated(files: BundleFiles): Promise<BundleFiles> {
  const signed = await signFiles(files, { ...key, issuedAt: 0 });
  const [token = ""] = Object(JSON.parse(Buffer.from(signed.get(".signatures.json") ?? []).toString())).signatures;
  const { iat: _, ...claims } = decodeJwt(token);
  const again = await new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: "EdDSA", kid: key.keyId })
    .sign(key.privateKey);
  return new Map(signed).set(".signatures.json", Buffer.from(JSON.stringify({ signatures: [again] })));
}

describe("a bundle that is refused leaves the good one in place", () => {
  const altered = async () => {
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
    {
      reason: "undated",
      make: async () => writeArchive(await undated(changed(sample, "bad"))),
    },
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
    keeping.server.serve(await signedAt("good"), '"1"');
    const { keeper, host, events } = await keeping.keep();
    keeping.server.serve(await make(), '"2"');
    await waitUntil("the refusal", 30_000, () => keeper.status().refused?.reason === reason);
    expect(host.revision()).toBe("good");
    expect(allows(host)).toBe(true);
    const looks = keeping.server.requests.length;
    await waitUntil("two more looks", 30_000, () => keeping.server.requests.length > looks + 1);
    // What our clock alone refuses is asked for whole.
    const isUntimely = reason === "issued_in_future" || reason === "expired";
    expect(keeping.server.requests.at(-1)?.["if-none-match"]).toBe(isUntimely ? undefined : '"2"');
    expect(events.filter(({ kind }) => kind === "bundle_refused")).toHaveLength(1);
    expect((await readdir(keeping.keptFolder)).length).toBe(1);
  });

  test("one that only our clock refused is taken when the clock is set right, also where the server has nothing new", async () => {
    let behindMs = 0;
    const clock = { ...systemClock, wallMs: () => systemClock.wallMs() - behindMs };
    keeping.server.serve(await signedAt("good"), '"1"');
    behindMs = 3_600_000;
    const first = await keeping.keep({ clock });
    expect(first.keeper.status().refused?.reason).toBe("issued_in_future");
    expect(first.host.revision()).toBeUndefined();
    behindMs = 0;
    await waitUntil("the bundle", 30_000, () => first.host.revision() === "good");

    await waitUntil("the kept bundle", 30_000, () => existsSync(join(keeping.keptFolder, "last-good.tar.gz")));
    behindMs = 3_600_000;
    const again = await keeping.keep({ clock }); // from its own disk, where it was accepted before
    expect(again.host.revision()).toBe("good");
  });

  test("missing_builtin", async () => {
    keeping.server.serve(await signedAt("good"), '"1"');
    const { keeper, host } = await keeping.keep({
      builtins: new Map([...BUILTINS].filter(([name]) => name !== "sprintf")),
    });
    expect(keeper.status().refused).toMatchObject({ reason: "missing_builtin", detail: "not served here: sprintf" });
    expect(host.revision()).toBeUndefined();
  });

  testWithOpa("missing_entrypoint: the manifest promises what the module does not hold", async () => {
    const made = join(keeping.folder, "made");
    const modules = ["decision", "approval.route", "approval.may_review"].map((name) => {
      const parts = name.split(".");
      return `package countersign${parts.length > 1 ? `.${parts[0]}` : ""}\n\n${parts.at(-1)} := {"x": 1}\n`;
    });
    await makeBundle(made, modules, { countersign: {} });
    const files = await readFolder(made);
    // One letter of an entrypoint's name inside the module.
    const wasm = Buffer.from(files.get("policy.wasm") ?? []);
    wasm.write("X", wasm.indexOf("countersign/approval/route"));
    keeping.server.serve(await signedArchive(new Map(files).set("policy.wasm", wasm), key), '"1"');
    const { keeper } = await keeping.keep();
    expect(keeper.status().refused).toMatchObject({
      reason: "missing_entrypoint",
      detail: "countersign/approval/route",
    });
  });

  test("invalid_module: one of another ABI", async () => {
    const wasm = Buffer.from(sample.get("policy.wasm") ?? []);
    wasm.write("X", wasm.indexOf("opa_wasm_abi_minor_version"));
    keeping.server.serve(await signedAt("bad", 0, { "policy.wasm": wasm }), '"1"');
    const { keeper, host } = await keeping.keep();
    expect(keeper.status().refused).toMatchObject({
      reason: "invalid_module",
      detail: "the policy module does not export opa_wasm_abi_minor_version",
    });
    expect(host.revision()).toBeUndefined();
  });

  testWithOpa("warm_up_failed: a decision that is none by the contract", async () => {
    const made = join(keeping.folder, "made");
    await makeBundle(made, ['package countersign\n\ndecision := {"outcome": "perhaps"}\n', NO_APPROVAL], {});
    keeping.server.serve(await signedAt("good"), '"1"');
    const { keeper, host } = await keeping.keep();
    const archive = await signedArchive(await readFolder(made), key, { issuedAt: nowSeconds() + 1 });
    keeping.server.serve(archive, '"2"');
    await waitUntil("the refusal", 30_000, () => keeper.status().refused?.reason === "warm_up_failed");
    expect(host.revision()).toBe("good");
    expect(allows(host)).toBe(true);
  });

  testWithOpa(
    "invalid_module: what OPA's own compiler writes for a name that is looked up in all packages",
    async () => {
      const made = join(keeping.folder, "made");
      const empty = { elevations: [], responses: [], context_missing: [], malformed: [] };
      const framework = `package countersign

found contains reason if {
	some rule in {"deny", "allow"}
	some reason in data.countersign.policies[_][rule]
}

decision := object.union({"outcome": "allow", "reasons": found}, ${JSON.stringify(empty)})
`;
      const policy =
        "package countersign.policies.orders\n\ndeny contains 1 if is_late(input.n)\n\nis_late(n) if n > 3\n";
      await makeBundle(made, [framework, policy, NO_APPROVAL], {});
      const files = await readFolder(made);
      await expect(WebAssembly.compile(files.get("policy.wasm") ?? new Uint8Array())).rejects.toThrow("on the stack");

      keeping.server.serve(await signedAt("good"), '"1"');
      const { keeper, host } = await keeping.keep();
      keeping.server.serve(await signedArchive(files, key, { issuedAt: nowSeconds() + 1 }), '"2"');
      await waitUntil("the refusal", 30_000, () => keeper.status().refused !== undefined);
      expect(keeper.status().refused).toMatchObject({
        reason: "invalid_module",
        detail: "the module does not compile",
      });
      expect(host.revision()).toBe("good");
      expect(allows(host)).toBe(true);
    },
  );
});
