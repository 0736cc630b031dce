/**
 * The decision service as a process with nothing around it: no Kafka, no approval service, one issuer whose keys are a file.
 * It serves the baseline, which is what tests of its edge need; and it comes with the issuer's pen, honest or not.
 */
import { generateKeyPairSync, type JsonWebKey, type KeyObject, sign } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../harness/free-port.ts";
import { createDecision, type Decision } from "../../harness/system/decision.ts";
import { type KeyPairFiles, makeKeyPair } from "../../harness/system/key-pair.ts";

export const ISSUER = "https://issuer.example";
export const AUDIENCE = "orders";
/** listen.maxMessageBytes; gRPC itself cuts off at four times as much. */
export const SOFT_LIMIT = 65_536;
/**
 * In place of 450 ms, of which half may pass before a check begins: a machine that stops for so long is no fault of what is asked. These tests expect it of
 * the first call; to ask again at 503, as with the shipped one in the whole set (test/harness/system.ts), would hide a check that is refused wrongly.
 */
const PATIENT = { deadlineMs: 10_000 };

export const honestKey = generateKeyPairSync("ed25519");

export type LoneOptions = {
  readonly folder: string;
  readonly name: string;
  /** The committed one unless given. */
  readonly bundle?: string;
  /** Whose bundle counts; a bundle without signature unless given. */
  readonly trust?: object;
  /** Further settings of section `listen`. */
  readonly listen?: object;
  /** Further sections. */
  readonly further?: { readonly api?: object; readonly [section: string]: unknown };
  /** Other keys of the issuer's, as JWK with `kid` and `alg`. */
  readonly furtherKeys?: readonly JsonWebKey[];
  /** Another issuer, of the same audience, whose key this is, under the same `kid` as the first one's. */
  readonly secondIssuer?: { readonly issuer: string; readonly publicKey: KeyObject };
  /** Section `policy`. */
  readonly policy?: object;
  /** Further settings of section `identity`. */
  readonly identity?: object;
  /** A stream in Postgres, on which whoever holds `stateRelay` tells grants; without it there is no stream at all. */
  readonly streamUrl?: string;
  readonly stateRelay?: KeyPairFiles;
  /** Of its own unless given: a second service that goes on where the first one ended has the same. */
  readonly signing?: KeyPairFiles;
  /** False for what is measured (test/harness/system/program.ts), which also has the time for a check that it has in production. */
  readonly hasOwnClock?: boolean;
  /** Modules that it loads before its own. */
  readonly preload?: readonly string[];
};

export const DEPLOYMENT = "test";
/** Shown at `further.redemption.address`; nothing is there unless a test says so. */
export const SERVICE_TOKEN = "CANARY0 of the redemption server of a test";

/** Resolves when it is ready. */
export async function startLoneDecision(options: LoneOptions): Promise<Decision> {
  const {
    folder,
    name,
    bundle,
    trust = { unsigned: "accepted" },
    listen = {},
    policy = {},
    further: { api, ...further } = {},
    streamUrl,
  } = options;
  const patient = options.hasOwnClock === false ? {} : PATIENT;
  const jwkOf = (key: KeyObject) => ({ ...key.export({ format: "jwk" }), kid: "honest", alg: "EdDSA", use: "sig" });
  const jwk = jwkOf(honestKey.publicKey);
  const keys = join(folder, `${name}-keys.json`);
  const { furtherKeys = [], secondIssuer } = options;
  const known = [jwk, ...furtherKeys];
  await writeFile(keys, JSON.stringify({ keys: known }));
  const issuers = [{ issuer: ISSUER, audience: [AUDIENCE], algorithms: known.map(({ alg }) => alg), jwks_file: keys }];
  if (secondIssuer !== undefined) {
    const file = join(folder, `${name}-second-keys.json`);
    await writeFile(file, JSON.stringify({ keys: [jwkOf(secondIssuer.publicKey)] }));
    issuers.push({ issuer: secondIssuer.issuer, audience: [AUDIENCE], algorithms: ["EdDSA"], jwks_file: file });
  }
  const nowhere = `127.0.0.1:${await freePort()}`;
  const decision = await createDecision(
    {
      ...{
        folder,
        name,
        deployment: DEPLOYMENT,
        issuers: [],
        brokers: [nowhere],
        requestUrl: "https://approvals.example",
      },
      signing: options.signing ?? (await makeKeyPair(folder, `${name}-signing`)),
      stateRelay: options.stateRelay ?? (await makeKeyPair(folder, `${name}-relay`)),
      ...(streamUrl === undefined ? {} : { streamUrl }),
      ...(options.hasOwnClock === undefined ? {} : { hasOwnClock: options.hasOwnClock }),
      ...(options.preload === undefined ? {} : { preload: options.preload }),
      redemption: { address: nowhere, serviceToken: SERVICE_TOKEN },
    },
    (settings) => ({
      ...settings,
      ...further,
      listen: { ...settings.listen, maxMessageBytes: SOFT_LIMIT, ...patient, ...listen },
      ...(api === undefined ? {} : { api: { ...patient, ...api } }),
      policy,
      bundle: bundle === undefined ? settings.bundle : { path: bundle, ...trust },
      state: { ...settings.state, readyWithinMs: 0 },
      identity: { issuers, ...options.identity },
    }),
  );
  await decision.start();
  return decision;
}

export const nowSeconds = () => Math.floor(Date.now() / 1_000);

/** Of an engineer, for ten minutes. */
export function claims(changes: object = {}): object {
  const times = { iat: nowSeconds() - 10, exp: nowSeconds() + 600 };
  return { iss: ISSUER, aud: AUDIENCE, sub: "dana", groups: ["engineers"], ...times, ...changes };
}

export const part = (value: object | string) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

export type Forged = {
  readonly payload: object | string;
  readonly header: object;
  readonly key: KeyObject;
  /** In place of what the key would sign. */
  readonly signature: (input: string) => string;
};

/** An honest token, unless something of it is given. */
export function token({
  payload = claims(),
  header = {},
  key = honestKey.privateKey,
  signature,
}: Partial<Forged> = {}) {
  const input = `${part({ alg: "EdDSA", kid: "honest", typ: "JWT", ...header })}.${part(payload)}`;
  return `${input}.${signature?.(input) ?? sign(null, Buffer.from(input), key).toString("base64url")}`;
}
