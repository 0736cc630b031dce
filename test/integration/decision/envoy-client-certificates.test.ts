/**
 * Who is calling, by certificate, with a real Envoy: native.yaml with a listener that asks for client certificates and verifies them, and the
 * same without, both in front of one decision service. What Envoy reports of a certificate is its own encoding, from a real handshake.
 */
import { createHash, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  type Authority,
  type CertificatePair,
  createAuthority,
  type PairFiles,
  pairFiles,
  pemFile,
} from "../../harness/certificates.ts";
import { hasEnvoy, type RunningEnvoy, startEnvoy } from "../../harness/envoy.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../../harness/recording-upstream.ts";
import { claims, startLoneDecision, token } from "./lone-decision.ts";

const DANA = "spiffe://example.org/people/dana";
const STRANGER = "spiffe://example.com/people/dana";
const PRINCIPALS = [
  { match: "spiffe://example.org/people/{user}", issuer: "spiffe://example.org", groups: ["engineers"] },
];

const possible = await hasEnvoy();
const owned = new AsyncDisposableStack();
let ours: Authority;
let foreign: Authority;
let upstream: RecordingUpstream;
let asking: RunningEnvoy;
let unasking: RunningEnvoy;

beforeAll(async () => {
  if (!possible) return;
  const folder = await mkdtemp(join(tmpdir(), "client-certificates-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  [ours, foreign] = [await createAuthority("ours"), await createAuthority("foreign")];
  const server = await pairFiles(folder, "server", await ours.issue({ name: "edge", use: "server" }));
  const bootstrap = join(folder, "envoy.yaml");
  await writeFile(bootstrap, await withClientCertificates(server, await pemFile(folder, "ca", ours.ca)));
  upstream = owned.use(await startRecordingUpstream());
  const decision = owned.use(
    await startLoneDecision({ folder, name: "decision", identity: { principals: PRINCIPALS } }),
  );
  const ports = new Map([
    [9191, decision.port],
    [8081, upstream.port],
  ]);
  asking = owned.use(await startEnvoy({ bootstrap, ports }));
  unasking = owned.use(await startEnvoy({ bootstrap: "enforcers/envoy/native.yaml", ports }));
});
afterAll(() => owned.disposeAsync());

/** The bootstrap as text; in its listener what docs/identity.md says has to be there. */
async function withClientCertificates({ cert, key }: PairFiles, ca: string): Promise<string> {
  const native = await readFile(resolve(import.meta.dirname, "../../../enforcers/envoy/native.yaml"), "utf8");
  const transportSocket = {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
      require_client_certificate: true,
      common_tls_context: {
        tls_certificates: [{ certificate_chain: { filename: cert }, private_key: { filename: key } }],
        validation_context: { trusted_ca: { filename: ca } },
      },
    },
  };
  const first = "        - filters:\n";
  expect(native.split(first)).toHaveLength(2);
  return native.replace(
    first,
    () => `        - transport_socket: ${JSON.stringify(transportSocket)}\n          filters:\n`,
  );
}

const shown = (...uris: string[]) => ours.issue({ name: "client", use: "client", uris, hosts: [] });

type Sent = { readonly bearer?: string; readonly headers?: Readonly<Record<string, string>> };

/** GET /orders/42: the status and the reasons of a denial, `nothing` where there was no connection, or who the upstream was told it is. */
async function get(certificate: CertificatePair | undefined | "unasked", { bearer, headers = {} }: Sent = {}) {
  upstream.received.length = 0;
  const isPlain = certificate === "unasked";
  const options = {
    ...{ host: "127.0.0.1", port: isPlain ? unasking.port : asking.port, path: "/orders/42", agent: false },
    headers: { ...headers, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) },
  };
  const response = await new Promise<IncomingMessage | undefined>((done) => {
    const request = isPlain ? plainRequest(options) : tlsRequest({ ...options, ca: ours.ca, ...certificate });
    request.on("response", done);
    request.on("error", () => done(undefined));
    request.end();
  });
  const body = response === undefined ? "" : await text(response);
  const [arrived, ...more] = upstream.received;
  expect(more).toEqual([]);
  if (response?.statusCode !== 200) {
    expect(arrived).toBeUndefined();
    return response === undefined ? "nothing" : `${response.statusCode} ${JSON.parse(body).reasons}`;
  }
  expect(arrived?.headers).not.toHaveProperty("x-forwarded-client-cert");
  return arrived?.headers["countersign-subject"];
}

/** As the proxies say it that write such a header. */
async function inHeaders(uri: string): Promise<Record<string, string>> {
  const { cert } = await shown(uri);
  const pem = encodeURIComponent(cert.toString());
  return { "x-forwarded-client-cert": `By=spiffe://example.org/edge;URI=${uri};Cert="${pem}"`, "x-client-cert": pem };
}

function boundTo({ cert }: CertificatePair): string {
  const thumbprint = createHash("sha256").update(new X509Certificate(cert).raw).digest("base64url");
  return token({ payload: claims({ cnf: { "x5t#S256": thumbprint } }) });
}

(possible ? describe : describe.skip)("behind an Envoy that asks for client certificates", () => {
  test("who shows none, or one of another authority, is not connected", async () => {
    expect(await get(undefined)).toBe("nothing");
    expect(await get(undefined, { bearer: token(), headers: await inHeaders(DANA) })).toBe("nothing");
    expect(await get(await foreign.issue({ name: "client", use: "client", uris: [DANA], hosts: [] }))).toBe("nothing");
  });

  test("an identity that no rule names is nobody's account, whatever headers say beside it", async () => {
    expect(await get(await shown(STRANGER))).toBe("401 credential_issuer_unknown");
    expect(await get(await shown(STRANGER), { headers: await inHeaders(DANA) })).toBe("401 credential_issuer_unknown");
  });

  test("a second URI name makes it no SPIFFE identity, in either order", async () => {
    expect(await get(await shown(DANA, STRANGER))).toBe("401 credential_malformed");
    expect(await get(await shown(DANA, `${DANA}-2`))).toBe("401 credential_malformed");
    expect(await get(await shown(STRANGER, DANA))).toMatch(/^401 /);
  });

  test("an identity in a header alone is anonymous, and its certificate there binds no token", async () => {
    const headers = await inHeaders(DANA);
    const bare = await get("unasked");
    expect(bare).toMatch(/^403 /);
    expect(await get("unasked", { headers })).toBe(bare);
    const certificate = await shown(DANA);
    const pem = encodeURIComponent(certificate.cert.toString());
    const claimed = { "x-forwarded-client-cert": `Cert="${pem}"`, "x-client-cert": pem };
    const bearer = boundTo(certificate);
    expect(await get("unasked", { bearer, headers: claimed })).toBe("401 credential_certificate_wrong");
    expect(await get(await shown(DANA), { bearer, headers: claimed })).toBe("401 credential_certificate_wrong");
  });

  test("an identity that a rule names is its account, and a token beside it is the subject", async () => {
    expect(await get(await shown(DANA))).toBe(DANA);
    expect(await get(await shown(DANA), { bearer: token() })).toBe("dana");
    expect(await get(await shown(DANA), { bearer: "e30.e30.e30" })).toMatch(/^401 /);
  });

  test("a token that is bound to a certificate counts with that one alone, whatever identity stands in it", async () => {
    const [own, other, nameless] = [await shown(DANA), await shown(DANA), await shown()];
    expect(await get(other, { bearer: boundTo(own) })).toBe("401 credential_certificate_wrong");
    expect(await get(own, { bearer: boundTo(own) })).toBe("dana");
    expect(await get(other, { bearer: boundTo(own) })).toBe("401 credential_certificate_wrong");
    expect(await get(nameless, { bearer: boundTo(nameless) })).toBe("dana");
  });
});
