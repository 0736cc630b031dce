/** The bundle of packages that a second start has is what is in node_modules. That services work with it, all tests show that start them. */
import { spawnSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "@jest/globals";
import { bundleFolder, CACHE } from "../../platform/programs/launch/bundled-packages.js";

const ROOT = join(import.meta.dirname, "../..");
const folder = bundleFolder() ?? "";

function run(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

let specifiers: readonly string[];
beforeAll(async () => {
  run("scripts/bundle-packages.ts");
  specifiers = Object.keys(JSON.parse(await readFile(join(folder, "index.json"), "utf8")));
}, 120_000);

test("it holds what every start loads, and nothing that only some configurations do; older ones and halves are gone", async () => {
  expect(specifiers).toEqual(expect.arrayContaining(["@grpc/grpc-js", "fastify", "pg", "typebox", "typebox/compile"]));
  expect(specifiers.filter((one) => /kafka|opentelemetry|node-pg-migrate/.test(one))).toEqual([]);
  expect((await readdir(CACHE)).filter((name) => name.startsWith("packages-"))).toEqual([folder.split("/").at(-1)]);
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
    run("--input-type=module", "-e", program),
  );
  expect(all.map(({ specifier }) => specifier)).toEqual(specifiers);
  for (const { specifier, bundled, installed } of all)
    expect({ specifier, exports: bundled }).toEqual({ specifier, exports: installed });
}, 60_000);

test("a program's packages all come from it", () => {
  const program = `
    import { registerHooks } from "node:module";
    const files = new Set();
    registerHooks({ load: (url, context, next) => (files.add(url), next(url, context)) });
    process.on("exit", () => console.log(JSON.stringify([...files].filter((url) => url.includes("/node_modules/") && !url.includes("/.cache/")))));`;
  for (const main of ["services/decision/main.ts", "services/approval/main.ts", "enforcers/node/main.ts"]) {
    const spy = `data:text/javascript,${encodeURIComponent(program)}`;
    const preloads = [spy, "./platform/programs/launch/quick-start.js"].flatMap((one) => ["--import", one]);
    const { stdout } = spawnSync(process.execPath, [...preloads, main, "--config", "/nowhere"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    expect({ main, loaded: JSON.parse(stdout) }).toEqual({ main, loaded: [] });
  }
}, 60_000);
