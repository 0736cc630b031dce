/**
 * Signatures against the real OPA, in both directions: what `opa build` and `opa sign` sign is verified here, whatever is in the data, and
 * what is signed here is verified by OPA.
 */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { BundleFiles } from "../../../core/policy/bundles/bundle-files.ts";
import { readArchive } from "../../../core/policy/bundles/read-archive.ts";
import { readFolder } from "../../../core/policy/bundles/read-folder.ts";
import { signFiles } from "../../../core/policy/bundles/sign-files.ts";
import { verifySignature } from "../../../core/policy/bundles/signature.ts";
import { createTrustedKeys } from "../../../core/policy/bundles/trusted-keys.ts";
import { writeArchive } from "../../../core/policy/bundles/write-archive.ts";
import { resolveTool } from "../../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../../scripts/tools/run-command.ts";
import { hasOpa } from "../../harness/made-bundle.ts";
import { sampleFiles } from "../../harness/signed-bundle.ts";

/** Everything that two encoders can write in two ways. */
const AWKWARD_DATA = String.raw`{
  "b": [1.0, 1e3, 0.10, 9007199254740993, -0, 1E-7, 123.456789111111111111111111111111],
  "a": {"z": null, "é": true, "€": false, "😀": "\ud83d\ude00", "": {}},
  "text": "<b> & </b> \u2028\u2029 \b\f\n\r\t\u0001\u007f \" \\ / \/ é \ud800",
  "same": 1, "same": 2, "list": [], "deep": [[[{"x": [{}]}]]]
}`;

const kinds: readonly { alg: string; pair: { publicKey: KeyObject; privateKey: KeyObject } }[] = [
  { alg: "RS256", pair: generateKeyPairSync("rsa", { modulusLength: 2048 }) },
  { alg: "PS512", pair: generateKeyPairSync("rsa", { modulusLength: 2048 }) },
  { alg: "ES256", pair: generateKeyPairSync("ec", { namedCurve: "P-256" }) },
  { alg: "ES384", pair: generateKeyPairSync("ec", { namedCurve: "P-384" }) },
  { alg: "EdDSA", pair: generateKeyPairSync("ed25519") },
];

const describeWithOpa = (await hasOpa()) ? describe : describe.skip;

describeWithOpa("signatures and the real OPA", () => {
  let folder: string;
  let source: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "opa-signatures-"));
    source = join(folder, "source");
    await mkdir(join(source, "teams"), { recursive: true });
    await writeFile(join(source, "data.json"), AWKWARD_DATA);
    await writeFile(join(source, "teams/data.json"), '{"red": ["dana"]}');
    await writeFile(join(source, "policy.rego"), "package p\n\nallow if input.x == data.same\n");
    await writeFile(join(source, ".manifest"), '{"revision": "r<1>", "metadata": {"é": [1.50]}, "roots": [""]}');
    await writeFile(join(folder, "claims.json"), '{"iat": 1795514400, "scope": "production", "keyid": "k"}');
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function opa(cwd: string, ...args: readonly string[]): Promise<{ ok: boolean; said: string }> {
    const tool = await resolveTool("opa");
    if (tool.kind === "missing") throw new Error(tool.reason);
    const ran = await runCommand(tool.location, args, { timeoutMs: 60_000, cwd });
    return ran.kind === "done" ? { ok: true, said: ran.output } : { ok: false, said: ran.message };
  }

  async function privatePem(alg: string, key: KeyObject): Promise<string> {
    const file = join(folder, `${alg}.pem`);
    await writeFile(file, key.export({ type: "pkcs8", format: "pem" }));
    return file;
  }

  const trusted = (key: KeyObject, id = "k") =>
    createTrustedKeys(new Map([[id, key.export({ type: "spki", format: "pem" }).toString()]]));

  test.each(kinds)(
    "a bundle that opa build signed with $alg is verified, and with one byte changed it is not",
    async ({ alg, pair }) => {
      const archive = join(folder, `${alg}.tar.gz`);
      const signing = ["--signing-key", await privatePem(alg, pair.privateKey), "--signing-alg", alg];
      const built = await opa(
        source,
        "build",
        "-b",
        ".",
        ...signing,
        "--claims-file",
        join(folder, "claims.json"),
        "-o",
        archive,
      );
      expect(built).toEqual({ ok: true, said: expect.anything() });
      const files = await readArchive([await readFile(archive)]);
      expect([...files.keys()].sort()).toEqual([".manifest", ".signatures.json", "data.json", "policy.rego"]);

      const keys = trusted(pair.publicKey);
      const verified = await verifySignature(files, { keys, scope: "production" });
      expect(verified).toEqual({
        kind: "verified",
        proof: { keyId: "k", issuedAt: 1_795_514_400_000, expiresAt: undefined, reason: undefined },
      });
      expect(await verifySignature(files, { keys, scope: "" })).toMatchObject({ reason: "wrong_scope" });
      expect(
        await verifySignature(files, { keys: trusted(pair.publicKey, "another"), scope: "production" }),
      ).toMatchObject({
        reason: "bad_signature",
      });
      for (const [name, bytes] of files) {
        const other = Buffer.from(bytes);
        other.write(name === ".signatures.json" ? "x" : "9", name === ".signatures.json" ? 60 : other.length - 4);
        const outcome = await verifySignature(new Map(files).set(name, other), { keys, scope: "production" });
        expect({ name, kind: outcome.kind }).toEqual({ name, kind: "refused" });
      }
    },
  );

  test("a folder and an archive that opa sign signed are verified, each file under its own hash", async () => {
    const { pair } = kinds[4] ?? kinds[0] ?? { pair: generateKeyPairSync("ed25519") };
    const signing = ["--signing-key", await privatePem("sign", pair.privateKey), "--signing-alg", "EdDSA"];
    const claims = ["--claims-file", join(folder, "claims.json")];
    expect(await opa(source, "sign", ...signing, ...claims, "-b", ".", "-o", source)).toMatchObject({ ok: true });
    const files = await readFolder(source);
    expect(files.has("teams/data.json")).toBe(true);
    expect(await verifySignature(files, { keys: trusted(pair.publicKey), scope: "production" })).toMatchObject({
      kind: "verified",
    });

    const unsigned = new Map([...files].filter(([name]) => name !== ".signatures.json"));
    await writeFile(join(folder, "packed.tar.gz"), await writeArchive(unsigned));
    expect(await opa(folder, "sign", ...signing, ...claims, "-b", "packed.tar.gz")).toMatchObject({ ok: true });
    const signed = new Map(unsigned).set(".signatures.json", await readFile(join(folder, ".signatures.json")));
    expect(await verifySignature(signed, { keys: trusted(pair.publicKey), scope: "production" })).toMatchObject({
      kind: "verified",
    });
  });

  test.each(kinds.filter(({ alg }) => alg !== "PS512"))(
    "a bundle that is signed here with $alg is verified by OPA, and one that was changed is not",
    async ({ alg, pair }) => {
      const sample: BundleFiles = new Map([
        ...(await sampleFiles()),
        ["self-test.json", Buffer.from('{"cases": []}')],
        ["data.json", Buffer.from(AWKWARD_DATA.replace('"b"', '"countersign": {}, "b"'))],
        [".manifest", Buffer.from('{"revision": "r", "roots": [""], "wasm": []}')],
      ]);
      const terms = { keyId: "policy-1", privateKey: pair.privateKey, issuedAt: 1_795_514_400, scope: "production" };
      const signed = await signFiles(sample, terms);
      const publicPem = join(folder, `${alg}.pub.pem`);
      await writeFile(publicPem, pair.publicKey.export({ type: "spki", format: "pem" }));
      const verify = async (files: BundleFiles) => {
        await writeFile(join(folder, "ours.tar.gz"), await writeArchive(files));
        const key = ["--verification-key", publicPem, "--verification-key-id", "policy-1", "--scope", "production"];
        return opa(
          folder,
          "build",
          "-b",
          "ours.tar.gz",
          ...key,
          "--signing-alg",
          alg,
          "-o",
          join(folder, "out.tar.gz"),
        );
      };
      expect(await verify(signed)).toMatchObject({ ok: true });
      const changed = new Map(signed).set("self-test.json", Buffer.from('{"cases":  []}'));
      expect(await verify(changed)).toMatchObject({ ok: false, said: expect.stringContaining("digest mismatch") });
    },
  );
});
