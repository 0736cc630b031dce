/** The commands of docs/kubernetes.md that install: their order, and that the one for the database's rights prints those of docs/postgres.md. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const root = join(import.meta.dirname, "../..");

test("between the migration and what needs its tables, the service's user is given the rights of docs/postgres.md", async () => {
  const page = await readFile(join(root, "docs/kubernetes.md"), "utf8");
  const [, section = ""] = /\n## Apply\n(.*?)\n## /s.exec(page) ?? [];
  const commands = [...section.matchAll(/^ {4}(.+)$/gm)].map(([, command = ""]) => command);
  const at = (what: string) => commands.findIndex((command) => command.includes(what));
  const grants = at("docs/postgres.md");
  expect([at("job/countersign-migrate"), grants, at("decision.yaml")]).toEqual([1, 2, 3]);
  const [print = "", run] = (commands[grants] ?? "").split(" | ");
  expect(run).toMatch(/^psql .*-v ON_ERROR_STOP=1/);
  const { stdout } = await promisify(execFile)("sh", ["-c", print], { cwd: root });
  const [, block] = /```sql\n(.*?)```/s.exec(await readFile(join(root, "docs/postgres.md"), "utf8")) ?? [];
  expect(stdout).toBe(block);
  expect(stdout).toContain("grant usage on schema");
});
