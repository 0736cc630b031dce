/**
 * The resolver with recipes of its own whose "tools" are text files holding a version: the search order, what an
 * interrupted or wrong fetch leaves behind, and two processes' worth of callers at once. The real recipes are shown by
 * `npm run tools`, which CI runs on a machine that has none of the tools.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { resolveRecipe } from "./resolve-tool.ts";
import type { ToolRecipe } from "./tool.ts";
import { isAtLeast } from "./version.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "tools-test-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function recipe(changes: Partial<ToolRecipe>): ToolRecipe {
  return {
    name: "opa",
    wanted: "2.0.0 or newer",
    help: "install it",
    target: "bin/thing",
    fetchedBy: "a test",
    onPath: async () => [],
    locate: (target) => target,
    versionOf: (location) =>
      readFile(location, "utf8").then(
        (text) => text,
        () => undefined,
      ),
    serves: (version) => isAtLeast(version, "2.0.0"),
    fetch: (scratch) => put(path.join(scratch, "thing"), "2.5.0"),
    ...changes,
  };
}

async function put(file: string, version: string): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, version);
  return file;
}

describe("resolving a tool", () => {
  test("without fetching, a tool that is nowhere is missing and nothing is written", async () => {
    const tool = await resolveRecipe(recipe({}), { folder });
    expect(tool).toEqual({ kind: "missing", name: "opa", reason: "neither in PATH nor in .tools", help: "install it" });
    expect(await readdir(folder)).toEqual([]);
  });

  test("one in PATH that is too old is passed over and named", async () => {
    const old = await put(path.join(folder, "old"), "1.9.9");
    const tool = await resolveRecipe(recipe({ onPath: async () => [old] }), { folder });
    expect(tool).toMatchObject({ kind: "missing", reason: expect.stringContaining(`${old} is 1.9.9`) });
  });

  test("one in PATH that serves wins over .tools, and a second one in PATH over a first that does not serve", async () => {
    await put(path.join(folder, "bin/thing"), "2.1.0");
    const old = await put(path.join(folder, "old"), "1.0.0");
    const good = await put(path.join(folder, "good"), "2.2.0");
    const tool = await resolveRecipe(recipe({ onPath: async () => [old, good] }), { folder });
    expect(tool).toMatchObject({ kind: "found", version: "2.2.0", location: good, source: "PATH" });
  });

  test("an outdated one in .tools is replaced by a fetched one", async () => {
    await put(path.join(folder, "bin/thing"), "1.0.0");
    const tool = await resolveRecipe(recipe({}), { folder, fetch: true });
    expect(tool).toMatchObject({ kind: "found", version: "2.5.0", source: "fetched by a test" });
    expect(await readFile(path.join(folder, "bin/thing"), "utf8")).toBe("2.5.0");
  });

  test("a fetch that fails leaves neither tool, scratch folder nor lock, and its message is the reason", async () => {
    const fetch = async (scratch: string) => {
      await put(path.join(scratch, "thing"), "2.5.0");
      throw new Error("disk full");
    };
    const tool = await resolveRecipe(recipe({ fetch }), { folder, fetch: true });
    expect(tool).toMatchObject({ kind: "missing", reason: expect.stringContaining("disk full") });
    expect(await readdir(folder)).toEqual(["bin"]);
    expect(await readdir(path.join(folder, "bin"))).toEqual([]);
  });

  test("a fetch that brings the wrong version is refused", async () => {
    const fetch = (scratch: string) => put(path.join(scratch, "thing"), "1.0.0");
    const tool = await resolveRecipe(recipe({ fetch }), { folder, fetch: true });
    expect(tool).toMatchObject({ kind: "missing", reason: expect.stringContaining("not 2.0.0 or newer") });
  });

  test("eight callers at once fetch once, and all get the same tool", async () => {
    let fetches = 0;
    const fetch = (scratch: string) => {
      fetches += 1;
      return put(path.join(scratch, "thing"), "2.5.0");
    };
    const calls = Array.from({ length: 8 }, () => resolveRecipe(recipe({ fetch }), { folder, fetch: true }));
    const tools = await Promise.all(calls);
    expect(tools.every((tool) => tool.kind === "found" && tool.version === "2.5.0")).toBe(true);
    expect(fetches).toBe(1);
  });

  test("the lock of a process that died does not block", async () => {
    const impossiblePid = "4194305"; // one above the highest pid that Linux gives
    await writeFile(path.join(folder, "opa.lock"), impossiblePid);
    const tool = await resolveRecipe(recipe({}), { folder, fetch: true });
    expect(tool.kind).toBe("found");
  });
});

test("versions are compared by number, not by text", () => {
  expect(isAtLeast("1.9.0", "1.38.4")).toBe(false);
  expect(isAtLeast("1.38.4", "1.38.4")).toBe(true);
  expect(isAtLeast("1.100.0", "1.38.4")).toBe(true);
});
