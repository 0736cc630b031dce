/** A bundle on disk that changes is found without a word to the process (no SIGHUP), whole or not at all. */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { BundleFiles } from "../../../core/policy/bundles/bundle-files.ts";
import { signFiles } from "../../../core/policy/bundles/sign-files.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { changed, nowSeconds } from "../../harness/signed-bundle.ts";
import { allows, type Keeping, key, sample, signedAt, startKeeping } from "./keeping.ts";

let keeping: Keeping;
beforeEach(async () => {
  keeping = await startKeeping();
});
afterEach(async () => {
  await keeping[Symbol.asyncDispose]();
});

const signed = (revision: string, ago: number) =>
  signFiles(changed(sample, revision), { ...key, issuedAt: nowSeconds() - ago });

/** One after the other, each of them whole. */
async function putFiles(folder: string, files: BundleFiles): Promise<void> {
  const part = join(keeping.folder, "part");
  for (const [name, bytes] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(part, bytes);
    await rename(part, join(folder, name));
  }
}

test("an archive whose rest has not arrived leaves the last good one; when it has, it decides", async () => {
  const path = join(keeping.folder, "bundle.tar.gz");
  await writeFile(path, await signedAt("one", 20));
  const { keeper, host, events } = await keeping.keep({ path });
  expect(host.revision()).toBe("one");

  const next = await signedAt("two", 10);
  await writeFile(path, next.subarray(0, 2_000));
  await waitUntil("a look that fails", 30_000, () => keeper.status().failing !== undefined);
  expect([host.revision(), allows(host)]).toEqual(["one", true]);
  await writeFile(path, next.subarray(2_000), { flag: "a" });
  await waitUntil("two", 30_000, () => host.revision() === "two");
  await waitUntil("no more trouble", 30_000, () => keeper.status().failing === undefined);

  await writeFile(`${path}.new`, await signedAt("three", 0));
  await rename(`${path}.new`, path);
  await waitUntil("three", 30_000, () => host.revision() === "three");
  expect(keeper.status().refused).toBeUndefined();
  expect(events.filter(({ kind }) => kind === "bundle_activated")).toHaveLength(3);
});

test("a folder that was copied halfway is refused, and taken when the other files have come", async () => {
  const path = join(keeping.folder, "bundle");
  await putFiles(path, await signed("one", 20));
  const { keeper, host, events } = await keeping.keep({ path });
  expect(host.revision()).toBe("one");

  const next = await signed("two", 10);
  await putFiles(path, new Map([...next].filter(([name]) => name === ".manifest")));
  await waitUntil("the refusal", 30_000, () => keeper.status().refused?.reason === "bad_signature");
  const { answeredAt = 0 } = keeper.status();
  await waitUntil("another look", 30_000, () => (keeper.status().answeredAt ?? 0) > answeredAt);
  expect([host.revision(), allows(host)]).toEqual(["one", true]);

  await putFiles(path, next);
  await waitUntil("two", 30_000, () => host.revision() === "two");
  expect(keeper.status().refused).toBeUndefined();
  const refusals = events.flatMap((event) => (event.kind === "bundle_refused" ? [event.trouble.reason] : []));
  expect(new Set(refusals)).toEqual(new Set(["bad_signature"]));
});
