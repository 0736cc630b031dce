import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BuildFault } from "./build-fault.ts";
import { stageOf } from "./stage.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "stage-"));
});
afterEach(() => rm(root, { recursive: true }));

async function put(...files: readonly string[]): Promise<void> {
  for (const file of files) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), file);
  }
}

const stage = (source = path.join(root, "source")) => stageOf(source, { root, folder: path.join(root, "stage") });

test("what links lead to is policy like the rest: a file, a folder, and the source itself", async () => {
  await put("source/decision.rego", "org/org.rego", "org/more/freeze.rego");
  await symlink("../org/org.rego", path.join(root, "source/org.rego"));
  await symlink(path.join(root, "org/more"), path.join(root, "source/more"));
  await symlink("source", path.join(root, "link"));
  const files = ["decision.rego", "more/freeze.rego", "org.rego"];
  expect((await stage()).modules).toEqual(files.map((file) => `source/${file}`));
  const linked = await stage(path.join(root, "link"));
  expect(linked.modules).toEqual(files.map((file) => `link/${file}`));
  // The copy is one: nothing that is written into it comes to the source.
  for (const file of linked.modules) await writeFile(path.join(linked.folder, file), "changed");
  expect(await readFile(path.join(root, "source/decision.rego"), "utf8")).toBe("source/decision.rego");
  expect(await readFile(path.join(root, "org/org.rego"), "utf8")).toBe("org/org.rego");
});

test("a link that leads nowhere is a fault, and not a policy less", async () => {
  await put("source/decision.rego");
  await symlink("../gone.rego", path.join(root, "source/org.rego"));
  await expect(stage()).rejects.toThrow(BuildFault);
});

test("a policy is one by its ending wherever it lies; what OPA would read beside it is named", async () => {
  await put("source/schema/input.json", "source/self-test.json", "source/.regal/config.yaml", "source/README.md");
  await put("source/policies/schema/schema.rego", "source/.hidden.rego", "source/a_test.rego");
  await put(
    "source/policies/blocked.json",
    "source/b.yml",
    "source/c.yaml",
    "source/d.tar.gz",
    "source/policies/self-test.json",
  );
  const { modules, tests, strange } = await stage();
  expect(modules).toEqual(["source/.hidden.rego", "source/policies/schema/schema.rego"]);
  expect(tests).toEqual(["source/a_test.rego"]);
  expect(strange).toEqual(
    ["b.yml", "c.yaml", "d.tar.gz", "policies/blocked.json", "policies/self-test.json"].map((file) => `source/${file}`),
  );
});
