/**
 * Claims that Envoy's jwt_authn filter verified and took out of the request, with a real Envoy: the committed native bootstrap with that
 * filter in front of ext_authz. They are an account only where the configuration says so.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hasEnvoy, type RunningEnvoy, startEnvoy } from "../../harness/envoy.ts";
import { type RecordingUpstream, startRecordingUpstream } from "../../harness/recording-upstream.ts";
import { AUDIENCE, claims, honestKey, ISSUER, startLoneDecision, token } from "./lone-decision.ts";

const NAMESPACE = "envoy.filters.http.jwt_authn";
const possible = await hasEnvoy();
const owned = new AsyncDisposableStack();
let upstream: RecordingUpstream;
let believing: RunningEnvoy;
let doubting: RunningEnvoy;

beforeAll(async () => {
  if (!possible) return;
  const folder = await mkdtemp(join(tmpdir(), "jwt-metadata-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  upstream = owned.use(await startRecordingUpstream());
  const bootstrap = join(folder, "envoy.yaml");
  await writeFile(bootstrap, await withJwtFilter());
  const behind = async (name: string, more: object) => {
    const decision = owned.use(await startLoneDecision({ folder, name, ...more }));
    const ports = new Map([
      [9191, decision.port],
      [8081, upstream.port],
    ]);
    return owned.use(await startEnvoy({ bootstrap, ports }));
  };
  believing = await behind("believing", { identity: { token: { metadata: { key: "jwt_payload" } } } });
  doubting = await behind("doubting", {});
});
afterAll(() => owned.disposeAsync());

/** The bootstrap as text, with the filter in front of ext_authz and the ext_authz filter told to pass on what it found. */
async function withJwtFilter(): Promise<string> {
  const native = await readFile(resolve(import.meta.dirname, "../../../enforcers/envoy/native.yaml"), "utf8");
  const jwk = { ...honestKey.publicKey.export({ format: "jwk" }), kid: "honest", alg: "EdDSA", use: "sig" };
  const provider = {
    ...{ issuer: ISSUER, audiences: [AUDIENCE], forward: false, payload_in_metadata: "jwt_payload" },
    local_jwks: { inline_string: JSON.stringify({ keys: [jwk] }) },
  };
  const either = { requires_any: { requirements: [{ provider_name: "main" }, { allow_missing: {} }] } };
  const filter = {
    name: NAMESPACE,
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
      providers: { main: provider },
      rules: [{ match: { prefix: "/" }, requires: either }],
    },
  };
  const first = "- name: envoy.filters.http.ext_authz\n";
  const option = "clear_route_cache: false";
  expect([native.split(first).length, native.split(option).length]).toEqual([2, 2]);
  return native
    .replace(first, () => `- ${JSON.stringify(filter)}\n${" ".repeat(18)}${first}`)
    .replace(option, () => `metadata_context_namespaces: [${NAMESPACE}]\n${" ".repeat(22)}${option}`);
}

async function get(envoy: RunningEnvoy, bearer?: string): Promise<number> {
  upstream.received.length = 0;
  const headers: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  const response = await fetch(`http://127.0.0.1:${envoy.port}/orders`, { headers });
  await response.body?.cancel();
  expect(upstream.received).toHaveLength(response.status === 200 ? 1 : 0);
  return response.status;
}

(possible ? describe : describe.skip)("claims that Envoy verified", () => {
  test("are nobody where no configuration says that they count", async () => {
    expect(await get(doubting, token())).toBe(403);
  });

  test("are an account where one does: the upstream gets its name and no token", async () => {
    expect(await get(believing, token())).toBe(200);
    expect(upstream.received[0]?.headers).toMatchObject({ "countersign-subject": "dana" });
    expect(upstream.received[0]?.headers.authorization).toBeUndefined();
  });

  test("are looked at as those of any token", async () => {
    const times = { iat: Math.floor(Date.now() / 1_000) - 100_000 };
    expect(await get(believing, token({ payload: claims(times) }))).toBe(401);
    expect(await get(believing, token({ payload: claims({ groups: "engineers" }) }))).toBe(401);
    expect(await get(believing, token({ payload: claims({ cnf: { "x5t#S256": "A".repeat(43) } }) }))).toBe(401);
    expect(await get(believing, token({ payload: claims({ groups: ["sales"] }) }))).toBe(403);
  });

  test("are none without a token, and none of a forged one", async () => {
    expect(await get(believing)).toBe(403);
    expect(await get(believing, token({ signature: () => "AAAA".repeat(21) + "AA" }))).toBe(401);
  });
});
