/**
 * The bundle of packages that a second start has is what is in node_modules. That services work with it, all tests show that start them. On a copy
 * of our own code beside links to what is installed, since the bundle of this checkout is that of whoever starts something meanwhile.
 */
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { INDEX } from "../../platform/programs/launch/bundled-packages.js";
import { type CheckoutCopy, copyCheckout } from "../harness/checkout-copy.ts";

const LAUNCH = "./platform/programs/launch/bundled-packages.js";

let copy: CheckoutCopy;
let folder: string;
let cache: string;
let specifiers: readonly string[];

async function inIndex(): Promise<readonly string[]> {
  return Object.keys(JSON.parse(await readFile(join(folder, INDEX), "utf8")).packages);
}

beforeAll(async () => {
  copy = await copyCheckout();
  folder = String(copy.valueOf(LAUNCH, ["bundleFolder"], "bundleFolder()"));
  cache = String(copy.valueOf(LAUNCH, ["CACHE"], "CACHE"));
  await mkdir(join(cache, "packages-older"), { recursive: true });
  await mkdir(`${folder}.1.new`, { recursive: true }); // of a builder that was killed
  copy.run("scripts/bundle-packages.ts");
  specifiers = await inIndex();
});
afterAll(async () => {
  await copy?.[Symbol.asyncDispose]();
});

test("it holds what the programs load, but for what has to stay; older ones are gone", async () => {
  expect(specifiers).toEqual(expect.arrayContaining(["@grpc/grpc-js", "fastify", "kafkajs", "pg", "typebox/compile"]));
  expect(specifiers).not.toContain("node-pg-migrate");
  expect((await readdir(cache)).filter((name) => name.startsWith("packages-"))).toEqual([basename(folder)]);
});

test("a damaged one is made anew, any other one stays", async () => {
  const index = join(folder, INDEX);
  const { mtimeMs } = await stat(index);
  copy.run("scripts/bundle-packages.ts");
  expect((await stat(index)).mtimeMs).toBe(mtimeMs);
  await writeFile(join(folder, "pg.mjs"), "");
  copy.run("scripts/bundle-packages.ts");
  expect((await stat(index)).mtimeMs).toBeGreaterThan(mtimeMs);
  expect(await inIndex()).toEqual(specifiers);
  expect((await stat(join(folder, "pg.mjs"))).size).toBeGreaterThan(0);
});

test("each package exports the same names for values of the same kind and name", () => {
  const program = `
    const { findBundledPackages } = await import("./platform/programs/launch/bundled-packages.js");
    const kind = (value) => \`\${typeof value} \${typeof value === "function" ? value.name : ""}\`;
    const of = (module) => Object.entries(module).filter(([name]) => name !== "module.exports").map(([name, value]) => [name, kind(value)]);
    const all = [];
    for (const [specifier, { url }] of findBundledPackages()) {
      all.push({ specifier, bundled: of(await import(url)), installed: of(await import(specifier)) });
    }
    console.log(JSON.stringify(all));`;
  const all: readonly { specifier: string; bundled: unknown; installed: unknown }[] = JSON.parse(
    copy.run("--input-type=module", "-e", program),
  );
  expect(all.map(({ specifier }) => specifier)).toEqual(specifiers);
  for (const { specifier, bundled, installed } of all)
    expect({ specifier, exports: bundled }).toEqual({ specifier, exports: installed });
});

test("a package is not there twice: a program loads none from where they are installed", () => {
  const program = `
    import { registerHooks } from "node:module";
    const files = new Set();
    registerHooks({ load: (url, context, next) => (files.add(url), next(url, context)) });
    process.on("exit", () => console.log(JSON.stringify([...files].filter((url) => url.includes("/node_modules/") && !url.includes("/.cache/")))));`;
  for (const main of ["services/decision/main.ts", "services/approval/main.ts", "enforcers/node/main.ts"]) {
    const spy = `data:text/javascript,${encodeURIComponent(program)}`;
    const preloads = [spy, "./platform/programs/launch/quick-start.js"].flatMap((one) => ["--import", one]);
    const { stdout } = spawnSync(process.execPath, [...preloads, main, "--config", "/nowhere"], {
      cwd: copy.root,
      encoding: "utf8",
    });
    expect({ main, loaded: JSON.parse(stdout) }).toEqual({ main, loaded: [] });
  }
});
