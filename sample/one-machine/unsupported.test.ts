import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
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

const root = join(import.meta.dirname, "../..");

test.each(["20.1.0", "24.6.0"])("Node %s is refused in one line before it meets TypeScript", (version) => {
  const pretend = `data:text/javascript,Object.defineProperty(process, "versions", { value: { node: "${version}" } })`;
  const args = ["--import", pretend, "--import", "./scripts/needs-node-24.js", "sample/start.ts", "--port=1"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toMatch(/^Node \S+ is too old, .* install Node 24\.7 or newer\n$/);
  expect(stderr).toContain(version);
});

describe("scripts/on-node-24.sh, by which npm runs everything", () => {
  let bin: string;
  beforeAll(() => {
    bin = mkdtempSync(join(tmpdir(), "other-machine-"));
    // The other of the two CPUs: the loader of its glibc is not here, as none is on Alpine.
    program("uname", `case "$1" in -s) echo Linux;; *) echo ${process.arch === "x64" ? "aarch64" : "x86_64"};; esac`);
  });
  afterAll(() => rmSync(bin, { recursive: true }));

  function program(name: string, text: string): void {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  function run() {
    const env = { PATH: `${bin}:${process.env["PATH"]}` };
    return spawnSync("/bin/sh", ["scripts/on-node-24.sh", "sample/start.ts", "--port=1"], {
      cwd: root,
      env,
      encoding: "utf8",
    });
  }

  test("a Node that cannot be executed, for want of glibc, is refused in one line", () => {
    program("node", "exit 127");
    const { status, stdout, stderr } = run();
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^Linux without glibc \(Alpine\) is not supported: use .*\n$/);
  });

  test("one that can be executed all the same is not; what the program says and its exit code pass", () => {
    program("node", `exec ${process.execPath} "$@"`);
    const { status, stderr } = run();
    expect(status).toBe(2);
    expect(stderr).toMatch(/^npm start takes no arguments;/);
  });

  test("everything that npm runs for people runs by it, be it through the options of a service", () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(
      readFileSync(join(root, "package.json"), "utf8"),
    );
    const other = Object.entries(scripts).filter(
      ([, line]) => !/^(exec )?sh scripts\/(on-node-24|service)\.sh \S+\.ts$/.test(line),
    );
    expect(other).toEqual([["format", "biome format --write ."]]);
    expect(readFileSync(join(root, "scripts/service.sh"), "utf8")).toContain('exec sh "$root/scripts/on-node-24.sh" ');
  });
});
