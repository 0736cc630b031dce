/**
 * Finds an external tool: in PATH when its version serves, else in `.tools/`, else fetched once into `.tools/`.
 *
 * A fetch works in a scratch folder beside its target and ends in one rename, so an interrupted one leaves nothing that
 * looks like a tool; two at once wait for each other. Never rejects: what cannot be had is `missing` with the reason and
 * what to do, and the caller decides whether that is a skip or a failure.
 */
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import path from "node:path";
import { envoy } from "./envoy.ts";
import { kafka } from "./kafka.ts";
import { opa } from "./opa.ts";
import { schemathesis } from "./schemathesis.ts";
import type { FoundTool, MissingTool, Say, ToolName, ToolRecipe } from "./tool.ts";
import { withLock } from "./with-lock.ts";

const recipes: { readonly [name in ToolName]: ToolRecipe } = { opa, envoy, kafka, schemathesis };
const repositoryRoot = path.resolve(import.meta.dirname, "../..");

type ResolveOptions = {
  /** Default false: tests look, `npm run tools` and the test runner fetch. */
  readonly fetch?: boolean;
  readonly say?: Say;
  /** Default `.tools` at the root of the repository. */
  readonly folder?: string;
};

export async function resolveTool(name: ToolName, options: ResolveOptions = {}): Promise<FoundTool | MissingTool> {
  return resolveRecipe(recipes[name], options);
}

/** The same for any recipe. */
export async function resolveRecipe(recipe: ToolRecipe, options: ResolveOptions): Promise<FoundTool | MissingTool> {
  const folder = options.folder ?? path.join(repositoryRoot, ".tools");
  const say = options.say ?? (() => {});
  const { name, help } = recipe;
  const target = path.join(folder, recipe.target);

  const refused: string[] = [];
  for (const location of await recipe.onPath()) {
    const version = await recipe.versionOf(location);
    if (version !== undefined && recipe.serves(version))
      return { kind: "found", name, version, location, source: "PATH" };
    refused.push(`${location} is ${version ?? "not usable"}`);
  }
  const kept = await inFolder(recipe, target, ".tools");
  if (kept !== undefined) return kept;

  const passedOver = refused.length === 0 ? "" : ` (${refused.join("; ")}; wanted: ${recipe.wanted})`;
  if (options.fetch !== true)
    return { kind: "missing", name, reason: `neither in PATH nor in .tools${passedOver}`, help };
  if (passedOver !== "") say(`passed over${passedOver}`);
  try {
    return await fetchOnce(recipe, folder, target, say);
  } catch (error) {
    return { kind: "missing", name, reason: error instanceof Error ? error.message : String(error), help };
  }
}

async function inFolder(recipe: ToolRecipe, target: string, source: string): Promise<FoundTool | undefined> {
  const location = recipe.locate(target);
  const version = await recipe.versionOf(location);
  if (version === undefined || !recipe.serves(version)) return undefined;
  return { kind: "found", name: recipe.name, version, location, source };
}

async function fetchOnce(recipe: ToolRecipe, folder: string, target: string, say: Say): Promise<FoundTool> {
  await mkdir(path.dirname(target), { recursive: true });
  const waiting = (holder: string) => say(`process ${holder} is fetching it already; waiting`);
  return withLock(path.join(folder, `${recipe.name}.lock`), waiting, async () => {
    const meanwhile = await inFolder(recipe, target, ".tools");
    if (meanwhile !== undefined) return meanwhile;
    const scratch = await mkdtemp(path.join(folder, `${recipe.name}-`));
    try {
      say(recipe.fetchedBy);
      const fetched = await recipe.fetch(scratch, say);
      const check = await inFolder(recipe, fetched, "scratch");
      if (check === undefined)
        throw new Error(`${recipe.fetchedBy} ended well, but the result is not ${recipe.wanted}`);
      await rm(target, { recursive: true, force: true });
      await rename(fetched, target);
      return { ...check, location: recipe.locate(target), source: `fetched by ${recipe.fetchedBy}` };
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}
