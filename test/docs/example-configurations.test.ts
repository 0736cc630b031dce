/**
 * The example configurations in deploy/ are what people start from, so each is read by the service that it is for, as a process and with
 * all of the service's checks; and each shows every key that there is, so that a new key cannot be forgotten there.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { parse, stringify } from "yaml";
import { readConfig as readApproval } from "../../services/approval/config.ts";
import { readConfig as readDecision } from "../../services/decision/config.ts";
import { runService } from "../harness/run-service.ts";

jest.setTimeout(60_000);

const root = join(import.meta.dirname, "../..");
const SECRETS = { COUNTERSIGN_KAFKA_SASL_PASSWORD: "only for this test" };
const services = [
  { name: "decision", env: SECRETS, missing: ["COUNTERSIGN_KAFKA_SASL_PASSWORD"], readConfig: readDecision },
  {
    name: "approval",
    env: {
      ...SECRETS,
      DATABASE_URL:
        "postgres://approval@db.internal/approval?sslmode=verify-full&sslrootcert=/etc/countersign/tls/postgres-ca.crt",
      COUNTERSIGN_WEBHOOK_SECRET: "whsec_b25seSBmb3IgdGhpcyB0ZXN0IGFuZCBubyBvdGhlcg==",
    },
    missing: ["DATABASE_URL"],
    readConfig: readApproval,
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
    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(ended.out).toMatch(/^configuration is valid; /);
    expect(ended.out).toContain("signing.keyPath: /etc/countersign/keys/");
  });

  test("shows every key that there is", async () => {
    const text = await readFile(join(root, "deploy", `${name}.yaml`), "utf8");
    const schema: unknown = JSON.parse(await readFile(join(root, "docs/config", `${name}.schema.json`), "utf8"));
    const names = namesIn(schema);
    expect(names.length).toBeGreaterThan(40);
    expect(names.filter((one) => !new RegExp(`\\b${one}\\b`).test(text))).toEqual([]);
  });
});

/** What a section needs to be otherwise, as its comment says. */
const BESIDE: Readonly<Record<string, object>> = {
  stream: { kafka: undefined },
  development: { listen: { host: "127.0.0.1", port: 9191 } },
};

describe.each(services)("each commented section of deploy/$name.yaml", ({ name, env, readConfig }) => {
  const before = { ...process.env };
  let folder: string;
  let text: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "examples-"));
    text = await readFile(join(root, "deploy", `${name}.yaml`), "utf8");
  });
  afterEach(() => void (process.env = { ...before }));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function check(section: object) {
    const beside = Object.assign({}, ...Object.keys(section).map((key) => BESIDE[key]));
    const path = join(folder, "config.yaml");
    await writeFile(path, stringify({ ...parse(text), ...section, ...beside }));
    process.env = { ...before, ...env, REGION: "north" };
    if ("stream" in section) {
      delete process.env["COUNTERSIGN_KAFKA_SASL_PASSWORD"];
      process.env["COUNTERSIGN_STREAM_URL"] = "postgres://stream@db.internal/stream?sslmode=verify-full";
    }
    return readConfig(["--config", path, "--check-config"]);
  }

  test("is refused with a key that there is not", async () => {
    expect(await check({ drainMillis: 1 })).toMatchObject({ kind: "exit", code: 78 });
  });

  test("is accepted beside the rest", async () => {
    const sections = commentedSections(text);
    expect(sections.length).toBeGreaterThan(3);
    for (const section of sections) {
      const { kind, ...said } = await check(parse(section));
      expect([section, kind, said]).toEqual([
        section,
        "exit",
        { code: 0, text: expect.stringMatching(/^configuration is valid; /) },
      ]);
    }
  });
});

/** Runs of commented lines at the left edge that are keys of a configuration, and what is indented below them. */
function commentedSections(text: string): readonly string[] {
  const sections: string[] = [];
  let isOpen = false;
  for (const line of text.split("\n")) {
    const isKey = /^# [a-z]\w*:( |$)/.test(line);
    const isBelow: boolean = isOpen && /^# {3,}\S/.test(line);
    if (isKey && !isOpen) sections.push("");
    isOpen = isKey || isBelow;
    if (isOpen) sections.push(`${sections.pop() ?? ""}${line.slice(2)}\n`);
  }
  return sections;
}

function namesIn(node: unknown): readonly string[] {
  if (typeof node !== "object" || node === null) return [];
  const own = "properties" in node ? Object.keys(Object(node.properties)) : [];
  return [...own, ...Object.values(node).flatMap(namesIn)];
}
