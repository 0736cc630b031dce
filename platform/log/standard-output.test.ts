/** In a process of its own: what is written when it ends is what is asked about. */
import { spawnSync } from "node:child_process";
import { expect, test } from "@jest/globals";

const LOG = JSON.stringify(new URL("./log.ts", import.meta.url).href);

/** What the process wrote, the messages in their order. */
function said(program: string): readonly unknown[] {
  const text = `import { createLog } from ${LOG}; const log = createLog({ name: "test" }); ${program}`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module-typescript", "-e", text], {
    encoding: "utf8",
  });
  expect(stderr).not.toMatch(/Error/);
  return stdout
    .trim()
    .split("\n")
    .map((line) => {
      const record: unknown = JSON.parse(line);
      return typeof record === "object" && record !== null && "msg" in record ? record.msg : record;
    });
}

test.each([
  ["ends by itself", ""],
  ["ends itself", "process.exit(3);"],
  [
    "ends with an error that nobody catches",
    'process.on("uncaughtException", () => process.exit(1)); throw new Error("x");',
  ],
  ["waits for what never comes", "await new Promise(() => {});"],
])("nothing is lost, and the order kept, when the process %s in the turn that wrote", (_name, end) => {
  const lines = 'log.info("first"); for (let n = 0; n < 500; n += 1) log.info("one of many"); log.info("last");';
  const written = said(`${lines} ${end}`);
  expect(written).toHaveLength(502);
  expect([written[0], written.at(-1)]).toEqual(["first", "last"]);
});

test("a warning is written before the call returns, and what came before it too, even if the process is killed there", () => {
  expect(said('log.info("before"); log.warn("then"); process.kill(process.pid, "SIGKILL");')).toEqual([
    "before",
    "then",
  ]);
});
