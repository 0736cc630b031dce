/** Programs under test that take their configuration anew at SIGHUP, and what they say of it. */
import { readFile, writeFile } from "node:fs/promises";
import { parse, stringify } from "yaml";
import { textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import type { Program } from "../harness/system/program.ts";

type Line = {
  readonly event?: string;
  readonly part?: string;
  readonly keys?: readonly string[];
  readonly why?: string;
};

async function linesOf(program: Program): Promise<readonly Line[]> {
  const text = await program.log();
  return text.split("\n").flatMap((line): Line[] => (line.startsWith("{") ? [JSON.parse(line)] : []));
}

/** Sends the signal and waits for what each of these parts says: taken, or why not. */
export async function reload(program: Program, ...parts: readonly string[]): Promise<ReadonlyMap<string, Line>> {
  const before = (await linesOf(program)).length;
  program.reload();
  return waitUntil(`${program.name} to say of ${parts.join(", ")}`, 30_000, async () => {
    const fresh = (await linesOf(program)).slice(before);
    const said = new Map(
      fresh
        .filter(({ event }) => event === "reloaded" || event?.startsWith("reload_"))
        .map((line) => [line.part ?? line.event ?? "", line]),
    );
    return parts.every((part) => said.has(part)) && said;
  });
}

/** Rewrites the configuration file; the program does not know of it yet. */
export async function reconfigure(
  program: Program,
  change: (config: ReturnType<typeof parse>) => unknown,
): Promise<void> {
  const config: unknown = parse(await readFile(program.configPath, "utf8"));
  await writeFile(program.configPath, stringify(change(config), { aliasDuplicateObjects: false }));
}

type Checks = { readonly [name: string]: { readonly status: string; readonly detail?: string } };

/** What `/readyz` says of each part. */
export async function checksOf(url: string): Promise<Checks> {
  const report: { readonly checks: Checks } = JSON.parse(await (await fetch(`${url}/readyz`)).text());
  return report.checks;
}
export const metricsOf = async (url: string) => (await fetch(`${url}/metrics`)).text();

/** Of the bundle that decides, as the page of bundles has it. */
export const activeRevision = async (url: string) =>
  textAt(await (await fetch(`${url}/v1/bundle`)).json(), "active", "revision");
