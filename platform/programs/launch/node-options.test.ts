import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { nodeOptions } from "./node-options.ts";

const root = join(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

test("what npm runs a service with is what the file says, and V8 heeds it", async () => {
  const print = "[...process.execArgv, Number(process.argv[1])]";
  const { stdout, stderr } = spawnSync("/bin/sh", ["scripts/service.sh", "-p", `JSON.stringify(${print})`, "7"], {
    cwd: root,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual(expect.arrayContaining([...(await nodeOptions()), 7]));
  expect(await nodeOptions()).toEqual([expect.stringMatching(/^--max-semi-space-size=\d+$/)]);
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
