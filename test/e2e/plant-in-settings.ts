/**
 * Programs that live by secrets of their settings, good ones and wrong ones: the password at the brokers, the token for the bundle server, the
 * password of the stream's database, private keys of TLS and of signatures. What each says, however far it comes.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { inBatches } from "../fault/in-batches.ts";
import { startBundleServer } from "../harness/bundle-server.ts";
import { createAuthority, pairFiles } from "../harness/certificates.ts";
import { runService } from "../harness/run-service.ts";
import { WEBHOOK_SECRET } from "../harness/system/approval.ts";
import type { System } from "../harness/system.ts";
import { keyIn, PLANTED } from "./planted-secrets.ts";

type Settings = { readonly [section: string]: unknown };
type Case = {
  readonly settings: Settings;
  readonly env?: Readonly<Record<string, string>>;
  /** Without it the secret was never tried. */
  readonly says: RegExp;
};

/** So many starts in parallel; a machine of two cores needs a minute for all at once. */
const AT_ONCE = 4;

type Said = { readonly texts: readonly string[]; readonly keys: ReadonlyMap<string, string> };

/** @throws when one does not say what it was started for: then a search in what it said shows nothing */
export async function startWithSecrets(system: System): Promise<Said> {
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "secret-settings-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const server = owned.use(await startBundleServer());
  // As servers do that are helpful: it tells what it was shown.
  server.answer((response, { authorization = "" }) => response.writeHead(401, authorization).end(authorization));
  const authority = await createAuthority("ours");
  const pair = await authority.issue({ name: "service", use: "server" });
  const tls = await pairFiles(folder, "service", pair);
  const none = join(folder, "none.pem");
  const text = PLANTED["a key file that is none"];
  await writeFile(none, `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`);

  const { brokers, username, password } = system.kafka.sasl;
  const kafka = (saslMechanism: string) => ({ kafka: { brokers, saslMechanism, saslUsername: username } });
  const sasl = (word: string) => ({ COUNTERSIGN_KAFKA_SASL_PASSWORD: word });
  const wrong = sasl(PLANTED["a password at the brokers"]);
  const bundle = { url: server.url.href, keepFolder: join(folder, "kept"), unsigned: "accepted", pollSeconds: 1 };
  const streamUrl = new URL("postgresql://127.0.0.1:9/x");
  streamUrl.username = "somebody";
  streamUrl.password = PLANTED["a password of the stream's database"];
  const cases: readonly Case[] = [
    { settings: kafka("plain"), env: sasl(password), says: /"event":"started"/ },
    { settings: kafka("plain"), env: wrong, says: /sasl|authenticat/i },
    { settings: kafka("scram-sha-256"), env: wrong, says: /sasl|authenticat/i },
    {
      settings: { bundle },
      env: { COUNTERSIGN_BUNDLE_TOKEN: PLANTED["the token for the bundle server"] },
      says: /401/,
    },
    {
      settings: { kafka: undefined, stream: { kind: "postgres" } },
      env: { COUNTERSIGN_STREAM_URL: streamUrl.href },
      says: /ECONNREFUSED|stream/,
    },
    { settings: { signing: { kid: "none", keyPath: none } }, says: /signing/ },
  ];
  const ports: readonly { readonly main: string; readonly section: string; readonly config: string }[] = [
    { main: "decision", section: "listen", config: system.decisions[0]?.configPath ?? "" },
    { main: "approval", section: "rest", config: system.approval.configPath },
  ];

  const starts = ports.flatMap(({ main, section, config }) => {
    const served = { port: 0, certPath: tls.cert, keyPath: tls.key };
    const all: readonly Case[] = [
      ...cases,
      { settings: { [section]: served }, says: /"event":"started"/ },
      { settings: { [section]: { ...served, keyPath: none } }, says: new RegExp(section) },
    ];
    return all.map((one, at) => ({ ...one, main, config, place: join(folder, `${main}-${at}`) }));
  });
  const texts = await inBatches(starts, AT_ONCE, async ({ main, place, config, ...one }) => {
    const said = await saidBy(main, place, config, one);
    if (one.says.test(said)) return said;
    throw new Error(`${main} with ${JSON.stringify(one.settings)} did not say ${one.says}:\n${said}`);
  });
  return { texts, keys: new Map([["the private key of a port", keyIn(pair.key.toString())]]) };

  async function saidBy(main: string, place: string, config: string, { settings, env, says }: Case) {
    const base: unknown = parse(await readFile(config, "utf8"));
    const own = {
      ...{ instance: place.split("/").at(-1), logLevel: "debug", api: undefined },
      ...{ listen: { port: 0 }, ops: { port: 0 }, rest: { port: 0 } },
    };
    const isDecision = main === "decision";
    const parts = isDecision
      ? { rest: undefined, decisionLog: { folder: place } }
      : { listen: undefined, decisionLog: undefined, redemption: { port: 0 } };
    const file = `${place}.yaml`;
    await writeFile(file, stringify({ ...Object(base), ...own, ...parts, ...settings }));
    const given = {
      COUNTERSIGN_REDEMPTION_SERVICE_TOKEN: PLANTED["a service token that is wrong"],
      ...(isDecision
        ? {}
        : { DATABASE_URL: system.database.connectionString, COUNTERSIGN_WEBHOOK_SECRET: WEBHOOK_SECRET }),
      ...env,
    };
    const said: string[] = [];
    for (const [until, ...more] of [[undefined, "--check-config"], [says]] as const) {
      const ended = await runService(`services/${main}/main.ts`, ["--config", file, ...more], given, { until });
      said.push(ended.out, ended.err);
    }
    return said.join("\n");
  }
}

/** What a process says that does not start, or is only asked whether it could. */
export async function refusedStarts(system: System): Promise<readonly string[]> {
  const texts: string[] = [];
  const password = PLANTED["the password of the database"];
  for (const [DATABASE_URL, secret] of [
    [`postgresql://app:${password}@127.0.0.1:9/x`, `whsec_${Buffer.alloc(32, 7).toString("base64")}`],
    [`postgresql://app:${password}@127.0.0.1:port/x`, "too short"],
    [`${password}://not an address`, `whsec_${PLANTED["a webhook's secret"]}`],
  ]) {
    const env = {
      ...{ DATABASE_URL: DATABASE_URL ?? "", COUNTERSIGN_WEBHOOK_SECRET: secret ?? "" },
      COUNTERSIGN_REDEMPTION_SERVICE_TOKEN: system.serviceToken,
    };
    for (const more of [[], ["--check-config"]]) {
      const ended = await runService(
        "services/approval/main.ts",
        ["--config", system.approval.configPath, ...more],
        env,
      );
      texts.push(`${ended.out}\n${ended.err}`);
    }
  }
  return texts;
}
