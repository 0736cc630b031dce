import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import Type, { type Static } from "typebox";
import { configFromCommandLine } from "./command-line.ts";
import { describeFaults, loadConfig } from "./load.ts";
import { unsafe } from "./fault.ts";
import type { Rule } from "./rules.ts";

const closed = { additionalProperties: false };
const schema = Type.Object(
  {
    http: Type.Object(
      {
        listenPort: Type.Integer({ minimum: 0, maximum: 65535, default: 8080 }),
        host: Type.String({ default: "127.0.0.1" }),
      },
      closed,
    ),
    database: Type.Object({ url: Type.String({ minLength: 1, "x-env-variable": "DATABASE_URL" }) }, closed),
    brokers: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, "x-env-variable": "KAFKA_BROKERS" }),
    token: Type.Optional(Type.String({ "x-secret": true })),
    verbose: Type.Boolean({ default: false }),
    mode: Type.Union([Type.Literal("strict"), Type.Literal("lenient")], { default: "strict" }),
  },
  closed,
);
const prefix = "PRODUCT_";
const enough = { DATABASE_URL: "postgresql://h/d", KAFKA_BROKERS: "a:1,b:2" };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "config-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileWith(text: string): Promise<string> {
  const file = join(folder, `${Math.random()}.yaml`);
  await writeFile(file, text);
  return file;
}

async function faultsOf(env: Record<string, string>, yaml?: string): Promise<string> {
  const loaded = await loadConfig({
    schema,
    env,
    prefix,
    ...(yaml === undefined ? {} : { file: await fileWith(yaml) }),
  });
  return loaded.kind === "invalid" ? describeFaults(loaded.faults) : "none";
}

describe("refused", () => {
  test("what Kubernetes sets for a Service, and only that is told so", async () => {
    const links = {
      PRODUCT_APPROVAL_SERVICE_HOST: "10.0.0.7",
      PRODUCT_APPROVAL_SERVICE_PORT: "9200",
      PRODUCT_APPROVAL_SERVICE_PORT_REST: "9200",
      PRODUCT_APPROVAL_PORT: "tcp://10.0.0.7:9200",
      PRODUCT_APPROVAL_PORT_9200_TCP: "tcp://10.0.0.7:9200",
      PRODUCT_APPROVAL_PORT_9200_TCP_ADDR: "10.0.0.7",
      PRODUCT_HTTP_LISTEN_PORT: "tcp://10.0.0.7:8080",
    };
    const told = (await faultsOf({ ...enough, ...links })).split("\n");
    expect(told).toHaveLength(7);
    for (const line of told)
      expect(line).toMatch(/ \(set by Kubernetes for a Service; set enableServiceLinks: false for the pod\)$/);
    for (const misspelt of ["PRODUCT_APPROVAL_PORT", "PRODUCT_SERVICE_TOKEN", "PRODUCT_SERVICE_HOSTS"]) {
      expect(await faultsOf({ ...enough, [misspelt]: "9200" })).toBe(
        `${misspelt}: is not a variable of this program; remove it or correct its name`,
      );
    }
    expect(await faultsOf({ ...enough, PRODUCT_HTTP_LISTEN_PORT: "99999" })).not.toContain("Kubernetes");
  });

  test("everything wrong is reported at once, each with key, variable and what to do", async () => {
    const text = await faultsOf(
      { PRODUCT_HTTP_LISTEN_PORT: "99999", PRODUCT_VERBOSE: "perhaps", PRODUCT_HTPP_HOST: "x" },
      "brokers: []\n",
    );
    expect(text.split("\n")).toEqual([
      "PRODUCT_HTPP_HOST: is not a variable of this program; remove it or correct its name",
      "http.listenPort (PRODUCT_HTTP_LISTEN_PORT): must be <= 65535; correct it",
      "database.url (DATABASE_URL): is missing; set it",
      "brokers (KAFKA_BROKERS): must not have fewer than 1 items; correct it",
      "verbose (PRODUCT_VERBOSE): must be boolean; correct it",
    ]);
  });

  test("a misspelt key in the file is named, also deep inside", async () => {
    expect(await faultsOf(enough, "http: {listenPrt: 1}\n")).toContain("http.listenPrt: is not a key of this program");
    expect(await faultsOf(enough, "__proto__: {verbose: true}\n")).toContain("__proto__");
  });

  test("a secret in the file is refused, and its value is not repeated", async () => {
    const text = await faultsOf(enough, "token: hunter2\n");
    expect(text).toContain("token (PRODUCT_TOKEN): is a secret");
    expect(text).not.toContain("hunter2");
  });

  test("a variable together with its _FILE is refused, and so is a _FILE that cannot be read", async () => {
    expect(await faultsOf({ ...enough, PRODUCT_TOKEN: "a", PRODUCT_TOKEN_FILE: "b" })).toContain("unset one");
    expect(await faultsOf({ ...enough, PRODUCT_TOKEN_FILE: join(folder, "absent") })).toContain("ENOENT");
  });

  test("a file that is missing, is no mapping or is no YAML is a fault and not a crash", async () => {
    expect((await loadConfig({ schema, env: enough, prefix, file: join(folder, "absent") })).kind).toBe("invalid");
    expect(await faultsOf(enough, "- a\n")).toContain("mapping");
    expect(await faultsOf(enough, "a: [\n")).toContain("cannot be read (line");
    expect(await faultsOf(enough, "mode: strict\nmode: lenient\n")).toContain("DUPLICATE_KEY");
    expect(await faultsOf(enough, "brokers: &all [a:1]\nmode: *all\n")).toContain("aliases, which are not followed");
  });

  test("a schema with an open object is refused, since it would swallow misspelt keys", async () => {
    const loaded = await loadConfig({ schema: Type.Object({ a: Type.Optional(Type.String()) }), env: {}, prefix });
    expect(loaded.kind).toBe("invalid");
  });

  test("a combination that the program calls unsafe refuses to start", async () => {
    const problem = { key: "mode", variable: "PRODUCT_MODE", problem: "lenient needs verbose" };
    const loaded = await loadConfig({ schema, env: enough, prefix, rules: [() => [problem]] });
    expect(loaded).toEqual({ kind: "invalid", faults: [problem] });
  });

  test("an unsafe combination is reported together with what is wrong elsewhere, and says nothing about what cannot be read", async () => {
    type Config = Static<typeof schema>;
    const rules: Rule<Config>[] = [
      ({ mode, verbose }) => (mode === "lenient" && !verbose ? [unsafe("mode", "needs verbose; set it")] : []),
      ({ http, verbose }) => (http.listenPort === 8080 && !verbose ? [unsafe("http.listenPort", "is taken")] : []),
      ({ database }) => (database.url.startsWith("postgresql://") ? [] : [unsafe("database.url", "is not ours")]),
      ({ brokers }) => brokers.map((_broker, at) => unsafe(`brokers.${at}`, "is a broker")),
    ];
    const load = async (env: Record<string, string>, yaml: string) => {
      const loaded = await loadConfig({ schema, env, prefix, rules, file: await fileWith(yaml) });
      return loaded.kind === "invalid" ? describeFaults(loaded.faults).split("\n") : [];
    };
    expect(await load({ PRODUCT_MODE: "lenient", PRODUCT_HTTP_LISTEN_PORT: "99999" }, "brokers: [a, 7, c]\n")).toEqual([
      "http.listenPort (PRODUCT_HTTP_LISTEN_PORT): must be <= 65535; correct it",
      "database.url (DATABASE_URL): is missing; set it",
      "brokers.1 (KAFKA_BROKERS): must be string; correct it",
      "mode (PRODUCT_MODE): needs verbose; set it",
    ]);
    expect(await load({ PRODUCT_VERBOSE: "perhaps" }, "mode: lenient\n")).toEqual([
      "brokers (KAFKA_BROKERS): is missing; set it",
      "database.url (DATABASE_URL): is missing; set it",
      "verbose (PRODUCT_VERBOSE): must be boolean; correct it",
    ]);
    const [only, ...more] = await load({}, "mode: [\n");
    expect(only).toContain("cannot be read");
    expect(more.filter((line) => !line.includes("is missing"))).toEqual([]);
  });

  test("an unknown argument ends with the exit code of a refused configuration", async () => {
    expect(await configFromCommandLine({ schema, env: enough, prefix, args: ["--verbose"] })).toMatchObject({
      kind: "exit",
      code: 78,
    });
  });
});

describe("accepted", () => {
  test("variables win over the file, the file over defaults; lists, numbers and booleans are read by their schema", async () => {
    const file = await fileWith("http: {listenPort: 1, host: filehost}\nbrokers: [file:1]\n");
    const loaded = await loadConfig({
      schema,
      prefix,
      file,
      env: { ...enough, PRODUCT_HTTP_LISTEN_PORT: "2", PRODUCT_VERBOSE: "true", PRODUCT_MODE: "", OTHER: "ignored" },
    });
    expect(loaded).toEqual({
      kind: "loaded",
      config: {
        http: { listenPort: 2, host: "filehost" },
        database: { url: "postgresql://h/d" },
        brokers: ["a:1", "b:2"],
        verbose: true,
        mode: "strict",
      },
    });
  });

  test("a secret comes from its file without the last line break, and text that looks like a number stays text", async () => {
    const secret = await fileWith("12345\n");
    const loaded = await loadConfig({ schema, prefix, env: { ...enough, PRODUCT_TOKEN_FILE: secret } });
    expect(loaded).toMatchObject({ kind: "loaded", config: { token: "12345" } });
  });

  test("--check-config says so and does not run", async () => {
    expect(await configFromCommandLine({ schema, env: enough, prefix, args: ["--check-config"] })).toMatchObject({
      kind: "exit",
      code: 0,
    });
  });
});
