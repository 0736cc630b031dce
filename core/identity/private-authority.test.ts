/** Key sets at a host whose certificate is of a private authority: who is believed for it, at the start and after a reload. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { systemClock } from "../../platform/clock.ts";
import { createLog } from "../../platform/log/log.ts";
import { createMetrics } from "../../platform/metrics/metrics.ts";
import {
  type Authority,
  type CertificateOptions,
  type CertificatePair,
  createAuthority,
  pemFile,
} from "../../test/harness/certificates.ts";
import { both, json, type KeyServer, startKeyServer, until } from "../../test/harness/key-server.ts";
import { instant } from "../domain/time.ts";
import * as sample from "../../test/samples/tokens.ts";
import { startIdentity } from "./start-identity.ts";

const OTHER = "https://other.example.com";
const one = sample.jwksOf({ ed25519: sample.keys.ed25519 });

let folder: string;
let ours: Authority;
let theirs: Authority;
let pair: CertificatePair;
let owned = new AsyncDisposableStack();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "private-authority-"));
  [ours, theirs] = [await createAuthority("ours"), await createAuthority("theirs")];
  pair = await ours.issue({ name: "identity provider", use: "server" });
});
afterEach(async () => {
  await owned.disposeAsync();
  owned = new AsyncDisposableStack();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function provider(tls = pair): Promise<KeyServer> {
  const server = owned.use(await startKeyServer({ tls }));
  server.answerBy(json(both));
  return server;
}

/** Issuers whose keys are at `server`, by the `ca_path` of each, and what was said of their keys. */
async function identify(server: KeyServer, caPaths: Readonly<Record<string, string | undefined>>) {
  const said: { readonly [name: string]: unknown }[] = [];
  const destination = { write: (line: string) => void said.push(JSON.parse(line)) };
  const issuers = Object.entries(caPaths).map(([issuer, caPath]) => {
    const config = sample.issuerConfig({ issuer, jwks_uri: server.url });
    return caPath === undefined ? config : { ...config, ca_path: caPath };
  });
  const identity = owned.use(
    await startIdentity(
      {
        ...{ clock: systemClock, signal: new AbortController().signal, metrics: createMetrics({ prefix: "t_" }) },
        log: createLog({ name: "test", level: "info", destination }),
      },
      { issuers, principals: [], callersShowCertificates: true },
    ),
  );
  return {
    identity,
    /** The first look at the keys of an issuer: `keys_refreshed`, or the reason why not. */
    first: (issuer: string) =>
      until(`a look at the keys of ${issuer}`, () => {
        const look = said.find((line) => line["issuer"] === issuer && String(line["event"]).startsWith("keys_refresh"));
        return look?.["reason"] ?? look?.["event"];
      }),
    outcome: (algorithm: "EdDSA" | "ES256") => {
      const iat = Math.floor(Date.now() / 1_000);
      const bearer = sample.token(sample.claims({ iat, exp: iat + 60 }), {}, algorithm);
      return identity.identify({ authorization: [`Bearer ${bearer}`] }, instant(Date.now())).kind;
    },
  };
}

test("a host that nobody vouches for has no keys: neither without an authority nor with another one", async () => {
  const server = await provider();
  const caPath = await pemFile(folder, "theirs", theirs.ca);
  const { first, outcome } = await identify(server, { [sample.ISSUER]: undefined, [OTHER]: caPath });
  expect(await first(sample.ISSUER)).toBe("certificate");
  expect(await first(OTHER)).toBe("certificate");
  expect(outcome("EdDSA")).toBe("refused");
  expect(server.hits).toEqual([]);
});

test("one whose certificate is for another host, or has ended, has none either", async () => {
  const caPath = await pemFile(folder, "ours", ours.ca);
  const named = { name: "identity provider", use: "server" } as const;
  const changes: readonly Partial<CertificateOptions>[] = [{ hosts: ["elsewhere.example.com"] }, { endsInMs: -1_000 }];
  for (const change of changes) {
    const server = await provider(await ours.issue({ ...named, ...change }));
    const { first } = await identify(server, { [sample.ISSUER]: caPath });
    expect(await first(sample.ISSUER)).toBe("certificate");
  }
});

test("its authority is believed for that issuer, and not for another one at the same host", async () => {
  const caPath = await pemFile(folder, "ours", ours.ca);
  const { first, outcome } = await identify(await provider(), { [sample.ISSUER]: caPath, [OTHER]: undefined });
  expect(await first(sample.ISSUER)).toBe("keys_refreshed");
  expect(await first(OTHER)).toBe("certificate");
  expect(outcome("EdDSA")).toBe("subject");
});

test("it takes the place of the system's roots, which vouch for an issuer without", async () => {
  const before = getCACertificates("default");
  owned.defer(() => setDefaultCACertificates(before));
  setDefaultCACertificates([...before, ours.ca.toString()]);
  const caPath = await pemFile(folder, "theirs", theirs.ca);
  const { first } = await identify(await provider(), { [sample.ISSUER]: undefined, [OTHER]: caPath });
  expect(await first(sample.ISSUER)).toBe("keys_refreshed");
  expect(await first(OTHER)).toBe("certificate");
});

test("a file that holds none, or is not there, refuses the start with its reason", async () => {
  const server = await provider();
  const empty = await pemFile(folder, "empty", Buffer.from("# nothing yet\n"));
  const key = "identity.issuers.1.ca_path";
  const ask = (path: string) => identify(server, { [OTHER]: undefined, [sample.ISSUER]: path });
  await expect(ask(empty)).rejects.toThrow(
    `${key}: ${empty}: it contains no certificate; it has to name authorities (PEM)`,
  );
  await expect(ask("gone.pem")).rejects.toThrow(`${key}: gone.pem: there is no such file`);
});

test("a reload reads the file again: a wrong one is refused and takes no key away, a broken one leaves what was read and holds up no look", async () => {
  const server = await provider();
  const caPath = await pemFile(folder, "reloaded", theirs.ca);
  const { identity, first, outcome } = await identify(server, { [sample.ISSUER]: caPath });
  expect(await first(sample.ISSUER)).toBe("certificate");
  await expect(identity.reload()).rejects.toThrow(`keys of ${sample.ISSUER} (certificate)`);
  await writeFile(caPath, ours.ca);
  await identity.reload();
  expect([outcome("EdDSA"), outcome("ES256")]).toEqual(["subject", "subject"]);
  await writeFile(caPath, theirs.ca);
  await expect(identity.reload()).rejects.toThrow("(certificate)");
  expect(outcome("EdDSA")).toBe("subject");
  await writeFile(caPath, ours.ca);
  await identity.reload();

  server.answerBy(json(one));
  await writeFile(caPath, ours.ca.subarray(0, 200));
  await expect(identity.reload()).rejects.toThrow(
    `identity.issuers.0.ca_path: ${caPath}: it contains part of a certificate, or something that is not a certificate; it has to name authorities (PEM)`,
  );
  expect([outcome("EdDSA"), outcome("ES256")]).toEqual(["subject", "refused"]);
});
