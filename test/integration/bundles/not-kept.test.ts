/** What could not be done at the first look is done at a later one, though the source holds the same: to keep a bundle on disk, to try one. */
import { access, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { bundleHealth } from "../../../core/policy/bundles/observe.ts";
import { describeStatus } from "../../../core/policy/bundles/status.ts";
import { AppError } from "../../../core/domain/app-error.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { type Keeping, signedAt, startKeeping } from "./keeping.ts";

let keeping: Keeping;
beforeEach(async () => {
  keeping = await startKeeping();
});
afterEach(async () => {
  await keeping[Symbol.asyncDispose]();
});

test("a bundle that could not be written to disk shows until it is written, at a later look; a restart then begins with it", async () => {
  keeping.server.serve(await signedAt("one", 10), '"1"');
  const { keeper, host, events } = await keeping.keep();
  await waitUntil("one on disk", 30_000, () => isThere(join(keeping.keptFolder, "last-good.tar.gz")));
  expect(describeStatus(keeper.status())).toMatchObject({ not_kept: null });

  await rm(keeping.keptFolder, { recursive: true });
  await writeFile(keeping.keptFolder, "in the way");
  keeping.server.serve(await signedAt("two", 5), '"2"');
  await waitUntil("some tries", 30_000, () => (keeper.status().notKept?.times ?? 0) > 2);
  expect(host.revision()).toBe("two");
  expect(bundleHealth(keeper.status())).toEqual({
    status: "degraded",
    detail: expect.stringMatching(/^two is not on disk \(.+\); a restart may find an older one$/),
  });
  expect(describeStatus(keeper.status())).toMatchObject({ not_kept: { times: expect.any(Number) } });

  await rm(keeping.keptFolder);
  await waitUntil("two on disk", 30_000, () => keeper.status().notKept === undefined);
  expect(bundleHealth(keeper.status())).toEqual({ status: "ok", detail: "two" });
  expect(events.map(({ kind }) => kind)).toContain("bundle_kept_at_last");
  await keeper[Symbol.asyncDispose]();
  keeping.server.answer((response) => void response.socket?.destroy());
  expect((await keeping.keep()).keeper.status().active).toMatchObject({ revision: "two", from: "kept" });
});

test("a bundle that could not be tried, for no fault of its own, is tried again though the server has nothing new; a bad one is not", async () => {
  keeping.server.serve(await signedAt("one", 10), '"1"');
  let tries = 0;
  const { keeper } = await keeping.keep({
    take({ files }) {
      tries += 1;
      if (tries === 1) return Promise.reject(new Error("no more threads"));
      if (tries === 2) return Promise.reject(new AppError("unavailable", "the thread has ended"));
      return Promise.resolve({ kind: "activated", revision: `of ${files.size} files`, cases: 0, compiled: true });
    },
  });
  expect(keeper.status().refused).toMatchObject({ reason: "not_tried" });
  await waitUntil("the third try", 30_000, () => keeper.status().active !== undefined);
  expect(keeper.status().refused).toBeUndefined();

  await keeper[Symbol.asyncDispose]();

  await rm(keeping.keptFolder, { recursive: true, force: true });
  const bad = await signedAt("two", 5, { "policy.wasm": "none" });
  keeping.server.answer((response) => void response.end(bad)); // without a tag: all of it at each look
  let taken = 0;
  const { keeper: other } = await keeping.keep({
    take() {
      taken += 1;
      return Promise.reject(new AppError("invalid_bundle", "no module"));
    },
  });
  const asked = keeping.server.requests.length;
  await waitUntil("looks at the same", 30_000, () => keeping.server.requests.length > asked + 3);
  expect(other.status().refused).toMatchObject({ reason: "invalid_bundle", detail: "no module" });
  expect(taken).toBe(1);
});

test("the one on disk that could not be tried at the start is tried again before an older one of the source may take its place", async () => {
  keeping.server.serve(await signedAt("two", 5), '"2"');
  const before = await keeping.keep();
  await waitUntil("two on disk", 30_000, () => isThere(join(keeping.keptFolder, "last-good.tar.gz")));
  await before.keeper[Symbol.asyncDispose]();
  keeping.server.serve(await signedAt("one", 10), '"1"');
  const taken: number[] = [];
  const { keeper } = await keeping.keep({
    take({ proof }) {
      taken.push(proof?.issuedAt ?? 0);
      if (taken.length < 3) return Promise.reject(new AppError("unavailable", "the thread has ended"));
      return Promise.resolve({ kind: "activated", revision: "two", cases: 0, compiled: true });
    },
  });
  await waitUntil("the older one to be refused", 30_000, () => keeper.status().refused?.reason === "replayed");
  expect(keeper.status().active).toMatchObject({ revision: "two", from: "kept" });
  expect(new Set(taken).size).toBe(1);
});

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
