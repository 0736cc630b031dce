/**
 * Files that are replaced whole: the bundle and the key sets that a service keeps for its next start. They are written anew when it is told to
 * read its sources again, the bundle when it is another one; whenever it dies of that, the next start has the old ones or the new ones.
 */
import { cpSync } from "node:fs";
import { readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { Program } from "../../harness/system/program.ts";
import type { System } from "../../harness/system.ts";
import type { Hands } from "./hands.ts";

type Settings = { readonly bundle: { readonly path: string }; readonly identity: { readonly keyFolder: string } };

const keysOf = (base: string) => `${base}-key-sets`;
const bundleOf = (base: string) => `${base}-bundle`;
const keptOf = (base: string) => `${base}-kept`;
const baseOf = ({ configPath }: Pick<Program, "configPath">) => configPath.replace(/\.yaml$/, "");

/** With a bundle of its own, which can be changed, and kept. */
export function keepingFiles<S extends Settings>(settings: S) {
  const base = settings.identity.keyFolder.slice(0, -keysOf("").length);
  cpSync(settings.bundle.path, bundleOf(base), { recursive: true });
  return { ...settings, bundle: { ...settings.bundle, path: bundleOf(base), keepFolder: keptOf(base) } };
}

export async function renewApprovalKeys({ system }: Hands): Promise<void> {
  system.approval.reload();
}

export async function renewDecisionKeys({ system }: Hands): Promise<void> {
  system.decisions[0]?.reload();
}

export async function changeApprovalBundle({ system }: Hands): Promise<void> {
  await changeBundle(system.approval);
}

export async function changeDecisionBundle({ system }: Hands): Promise<void> {
  if (system.decisions[0] !== undefined) await changeBundle(system.decisions[0]);
}

/** The same rules, with data that nobody reads. */
async function changeBundle(program: Program): Promise<void> {
  const next = `${baseOf(program)}-data.json`;
  await writeFile(next, JSON.stringify({ countersign: { requires: {}, nobody: { reads: crypto.randomUUID() } } }));
  await rename(next, join(bundleOf(baseOf(program)), "data.json"));
  program.reload();
}

/** What was kept when a service died that its next start could not use, and what is there beside it. */
export async function keptFileFaults(system: System): Promise<readonly string[]> {
  const issuers = Object.keys(system.issuers).length;
  const faults = await Promise.all(
    [system.approval, ...system.decisions].map(async (program) => {
      const said = await program.log();
      const count = (what: string) => said.split(what).length - 1;
      const restarts = count('"event":"started"') - 1;
      const read = count('"event":"keys_restored"');
      const begun = (said.match(/"event":"bundle_activated".*"from":"kept"/g) ?? []).length;
      // The one that started last may be about to write what its predecessor died of.
      const gone = async () => (await leftoversOf(program)).length === 0;
      await waitUntil("what was left behind to be removed", 30_000, gone).catch(() => {});
      const leftovers = await leftoversOf(program);
      return [
        ...(read === restarts * issuers
          ? []
          : [`${restarts} restarts read ${read} kept key sets of ${issuers} issuers`]),
        ...(begun === restarts ? [] : [`${restarts} restarts, ${begun} of them with the kept bundle`]),
        ...leftovers.map((name) => `${name} was left behind`),
      ].map((fault) => `${program.name}: ${fault}`);
    }),
  );
  return faults.flat();
}

async function leftoversOf(program: Program): Promise<readonly string[]> {
  const names = [...(await readdir(keysOf(baseOf(program)))), ...(await readdir(keptOf(baseOf(program))))];
  return names.filter((name) => !/\.(?:json|tar\.gz)$/.test(name));
}
