/**
 * The bundle of the certification fixture, by `npm run build-bundle` itself, of a source as an author has it: ours, with the fixture's policy in place of
 * our policies, the rule of what there is to search, and what the fixture stores in Rego, since a bundle brings no data.
 */
import { copyFile, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { runCommand } from "../../tools/run-command.ts";

const TIMEOUT_MS = 240_000;
const STORED = ["subjects", "resources", "actions"];

/** `fixture`: the file. Answers where below `folder` the bundle is. Rejects with what the build said. */
export async function buildFixtureBundle(root: string, fixture: string, folder: string): Promise<string> {
  const [ours, source, bundle] = [
    path.join(root, "rego/countersign"),
    path.join(folder, "source"),
    path.join(folder, "bundle"),
  ];
  const left = new Set(["policies", "self-test.json"].map((name) => path.join(ours, name)));
  await cp(ours, source, { recursive: true, filter: (from) => !left.has(from) });
  await mkdir(path.join(source, "policies"));
  await copyFile(path.join(import.meta.dirname, "policy.rego"), path.join(source, "policies/records.rego"));
  await copyFile(path.join(import.meta.dirname, "candidates.rego"), path.join(source, "candidates.rego"));
  await writeFile(path.join(source, "lib/fixture.rego"), regoOf(JSON.parse(await readFile(fixture, "utf8"))));
  const build = [path.join(root, "scripts/build-bundle.ts"), "--source", source, "--out", bundle];
  const built = await runCommand(process.execPath, build, { timeoutMs: TIMEOUT_MS, cwd: root });
  if (built.kind === "failed") throw new Error(built.message);
  return bundle;
}

/** NB: JSON is Rego. @throws Error when it is no fixture */
function regoOf(fixture: unknown): string {
  const rules = STORED.map((name) => {
    const stored: unknown = Reflect.get(Object(fixture), name);
    if (!Array.isArray(stored)) throw new Error(`the fixture has no list of ${name}`);
    return `${name} := ${JSON.stringify(stored)}\n`;
  });
  return ["package countersign.lib.fixture\n", ...rules].join("\n");
}
