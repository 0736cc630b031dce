import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { unsupported } from "./unsupported.ts";

const on = (platform: NodeJS.Platform, arch: NodeJS.Architecture) => ({ platform, arch });

test.each([
  ["another CPU", false, on("linux", "riscv64"), /^linux-riscv64 is not supported/],
  ["another CPU, even with a database", true, on("linux", "riscv64"), /^linux-riscv64 is not supported/],
  ["another system", false, on("win32", "x64"), /^win32-x64 is not supported/],
  ["macOS without a database", false, on("darwin", "arm64"), /set DATABASE_URL .* macOS is untested/],
] as const)("%s is refused in one line that says what would do", (_, hasDatabase, machine, said) => {
  const refusal = unsupported(hasDatabase, machine);
  expect(refusal).toMatch(said);
  expect(refusal).not.toContain("\n");
});

test.each([
  ["Linux on x64", false, on("linux", "x64")],
  ["Linux on arm64", false, on("linux", "arm64")],
  ["macOS with a database", true, on("darwin", "arm64")],
] as const)("%s is not refused", (_, hasDatabase, machine) => {
  expect(unsupported(hasDatabase, machine)).toBeUndefined();
});

test("an old Node is refused in one line before it meets TypeScript", () => {
  const pretend = 'data:text/javascript,Object.defineProperty(process, "versions", { value: { node: "20.1.0" } })';
  const root = join(import.meta.dirname, "../..");
  const args = ["--import", pretend, "--import", "./scripts/needs-node-24.js", "sample/start.ts"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toMatch(/^Node 20\.1\.0 is too old, .* install Node 24\n$/);
  const manifest: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(manifest).toMatchObject({
    scripts: {
      start: "node --import ./scripts/needs-node-24.js sample/start.ts",
      demo: "node --import ./scripts/needs-node-24.js sample/demo.ts",
    },
  });
});
