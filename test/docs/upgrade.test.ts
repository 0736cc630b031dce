/** Where CHANGELOG.md says to stop the approval services, docs/upgrade.md and docs/kubernetes.md have it done before the migration. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

const root = join(import.meta.dirname, "../..");
const read = (name: string) => readFile(join(root, name), "utf8");

test("each migration before which all approval services are stopped is named where the order of an upgrade stands, and no other", async () => {
  const told = (await read("CHANGELOG.md")).replaceAll(/\s+/g, " ");
  const before =
    /stop all approval services of the earlier version before migration (\d{4})|Before migration (\d{4}), stop all/gi;
  const stopped = [...told.matchAll(before)].map(([, one, other]) => one ?? other);
  const [, step = ""] =
    /^ +- \*\*Stop all approval services first\*\*(.*?)^ +- /ms.exec(await read("docs/upgrade.md")) ?? [];
  expect(new Set([...step.matchAll(/\b\d{4}\b/g)].map(([number]) => number))).toEqual(new Set(stopped));
  expect(stopped.length).toBeGreaterThan(0);
  const files = await readdir(join(root, "services/approval/migrations"));
  for (const number of stopped) expect(files).toContainEqual(expect.stringMatching(`^${number}_.*\\.sql$`));
});

test("on Kubernetes they are gone before the migration, and all are new before the first decision service is", async () => {
  const [, section = ""] = /\n## The next version\n(.*?)\n## /s.exec(await read("docs/kubernetes.md")) ?? [];
  const commands = [...section.matchAll(/^ {4}(.+)$/gm)].map(([, command = ""]) => command);
  const order = [
    "--replicas=0",
    "--for=delete",
    "delete job",
    "migrate.yaml",
    "--for=condition=complete",
    "postgres.md",
  ];
  const found = [...order, "approval.yaml", "rollout status", "decision.yaml"].map((what) =>
    commands.findIndex((command) => command.includes(what)),
  );
  expect(found).toEqual(commands.map((_, at) => at));
  const labels = await read("deploy/kubernetes/approval.yaml");
  expect(labels).toContain("template:\n    metadata: { labels: { app: countersign-approval } }");
});
