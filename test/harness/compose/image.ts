/**
 * What an image of the Dockerfile holds, as a folder: the files that its COPY lines name and .dockerignore leaves in, and of node_modules what
 * `npm ci --omit=dev --omit=optional` installs. So a program that needs a file or a package which the image lacks does not start here either.
 */
import { cp, mkdir, readFile, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ROOT } from "./compose-file.ts";

/** What the stage `target`, or one that it is made from, runs its commands by. */
export async function entryPoint(target: string): Promise<readonly string[]> {
  const stage = (await stages()).find((text) => isStage(text, target)) ?? "";
  const [, words] = /^ENTRYPOINT (\[.+\])$/m.exec(stage) ?? [];
  if (words !== undefined) return Array.from<unknown>(JSON.parse(words)).map(String);
  const [, from = ""] = /^FROM (\S+)/.exec(stage) ?? [];
  if (from === "" || from.includes(":")) throw new Error(`the Dockerfile gives ${target} no entry point`);
  return entryPoint(from);
}

/** Copies the stage `target`, and those that it is made from, to `folder`. */
export async function makeImageFolder(target: string, folder: string): Promise<void> {
  const ignored = (await readFile(join(ROOT, ".dockerignore"), "utf8")).split("\n");
  const allowed = ignored.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  const all = await stages();

  async function copyStage(name: string): Promise<void> {
    const stage = all.find((text) => isStage(text, name));
    if (stage === undefined) throw new Error(`the Dockerfile has no stage ${name}`);
    const [, from = ""] = /^FROM (\S+)/.exec(stage) ?? [];
    if (!from.includes(":")) await copyStage(from);
    for (const [, words = ""] of stage.matchAll(/^COPY (?!--from)(.+)$/gm)) {
      const names = words.split(" ");
      const to = names.pop() ?? "";
      for (const source of names) {
        if (!allowed.includes(source.split("/")[0] ?? "")) throw new Error(`.dockerignore leaves ${source} out`);
        const place = to.endsWith("/") ? join(folder, to, source.split("/").at(-1) ?? "") : join(folder, to);
        const filter = (path: string) => !path.endsWith(".test.ts");
        await cp(join(ROOT, source), place, { recursive: true, filter });
      }
    }
  }

  await mkdir(folder, { recursive: true });
  await copyStage(target);
  await linkPackages(join(folder, "node_modules"));
}

async function stages(): Promise<readonly string[]> {
  return (await readFile(join(ROOT, "Dockerfile"), "utf8")).split(/^(?=FROM )/m).slice(1);
}

function isStage(text: string, name: string): boolean {
  return new RegExp(`^FROM \\S+ AS ${name}\\n`).test(text);
}

async function linkPackages(folder: string): Promise<void> {
  const lock: unknown = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8"));
  const packages = typeof lock === "object" && lock !== null && "packages" in lock ? Object(lock.packages) : {};
  for (const [path, entry] of Object.entries(packages)) {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
    if (name === undefined || typeof entry !== "object" || entry === null) continue;
    if (["dev", "optional", "devOptional"].some((flag) => flag in entry)) continue;
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await symlink(join(ROOT, path), join(folder, name));
  }
}
