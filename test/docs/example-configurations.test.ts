/**
 * The example configurations in deploy/ are what people start from, so each is read by the service that it is for, as a process and with
 * all of the service's checks; and each shows every key that there is, so that a new key cannot be forgotten there.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, jest, test } from "@jest/globals";
import { runService } from "../harness/run-service.ts";

jest.setTimeout(60_000);

const root = join(import.meta.dirname, "../..");
const SECRETS = { COUNTERSIGN_KAFKA_SASL_PASSWORD: "only for this test" };
const services = [
  { name: "decision", env: SECRETS, missing: ["COUNTERSIGN_KAFKA_SASL_PASSWORD"] },
  {
    name: "approval",
    env: {
      ...SECRETS,
      DATABASE_URL: "postgres://approval@db.internal/approval",
      COUNTERSIGN_WEBHOOK_SECRET: "whsec_b25seSBmb3IgdGhpcyB0ZXN0IG9ubHk=",
    },
    missing: ["DATABASE_URL"],
  },
];

describe.each(services)("deploy/$name.yaml", ({ name, env, missing }) => {
  const args = ["--config", join(root, "deploy", `${name}.yaml`), "--check-config"];

  test("is refused without its secrets, each named by its variable", async () => {
    const ended = await runService(`services/${name}/main.ts`, args);
    expect(ended).toMatchObject({ code: 78, out: "" });
    for (const variable of missing) expect(ended.err).toContain(variable);
  });

  test("is accepted with its secrets", async () => {
    const ended = await runService(`services/${name}/main.ts`, args, env);
    expect(ended).toEqual({ code: 0, out: "configuration is valid\n", err: "" });
  });

  test("shows every key that there is", async () => {
    const text = await readFile(join(root, "deploy", `${name}.yaml`), "utf8");
    const schema: unknown = JSON.parse(await readFile(join(root, "docs/config", `${name}.schema.json`), "utf8"));
    const names = namesIn(schema);
    expect(names.length).toBeGreaterThan(40);
    expect(names.filter((one) => !new RegExp(`\\b${one}\\b`).test(text))).toEqual([]);
  });
});

function namesIn(node: unknown): readonly string[] {
  if (typeof node !== "object" || node === null) return [];
  const own = "properties" in node ? Object.keys(Object(node.properties)) : [];
  return [...own, ...Object.values(node).flatMap(namesIn)];
}
