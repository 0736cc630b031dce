import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { nodeOptions } from "./node-options.ts";

const root = join(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

const options = read("platform/programs/launch/node-options").split(/\s+/).filter(Boolean);

test("a service has the options of the file, be it started by npm or as a process", async () => {
  expect(options).toEqual([
    expect.stringMatching(/^--max-semi-space-size=\d+$/),
    "--no-allocation-site-pretenuring",
    expect.stringMatching(/^--heap-growing-percent=\d+$/),
    "--single-threaded-gc",
  ]);
  expect(await nodeOptions()).toEqual([...options, "--import", expect.stringMatching(/quick-start\.js$/)]);
  const print = ["-p", "JSON.stringify(process.execArgv)"];
  const { stdout, stderr } = spawnSync("/bin/sh", ["scripts/service.sh", ...print], { cwd: root, encoding: "utf8" });
  expect(stderr).toBe("");
  const quickStart = expect.stringMatching(/\/platform\/programs\/launch\/quick-start\.js$/);
  expect(JSON.parse(stdout)).toEqual(expect.arrayContaining([...options, quickStart]));
});

test("npm, the images and Compose start services by that script alone", () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(read("package.json"));
  for (const [name, main] of [
    ["decision", "services/decision/main.ts"],
    ["approval", "services/approval/main.ts"],
    ["gateway", "enforcers/node/main.ts"],
  ] as const) {
    expect(scripts[name]).toBe(`sh scripts/service.sh ${main}`);
  }
  expect(read("Dockerfile")).toContain('ENTRYPOINT ["sh", "scripts/service.sh"]');
  // What an image runs is an argument of its entry point, so that none is given another Node or other options.
  const commands = [...read("docker-compose.yml").matchAll(/command: \[(\S+?),/g)].map(([, first]) => first);
  expect(commands).not.toContain("node");
  expect(commands).toContain("services/decision/main.ts");
});
