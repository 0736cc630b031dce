/** The development issuer over real HTTP, its tokens judged by what judges them in the services (core/identity). */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { Caller } from "../../core/domain/subject.ts";
import { instant } from "../../core/domain/time.ts";
import { createIdentify } from "../../core/identity/identify.ts";
import { createIssuers } from "../../core/identity/issuers.ts";
import { createKeySets } from "../../core/identity/key-sets.ts";
import { createPartyMapper } from "../../core/identity/party.ts";
import { systemClock } from "../../platform/clock.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { type Account, SAMPLE_ACCOUNTS } from "./accounts.ts";
import { startTokenIssuer, type TokenIssuer } from "./server.ts";
import { signingKeyIn } from "./signing-key.ts";

const answer = Compile(
  Type.Object({ access_token: Type.String(), token_type: Type.Literal("Bearer"), expires_in: Type.Integer() }),
);
const CONTRACTOR: Account = { user: "dana", subject: "c-17", email: "Dana@example.com", groups: ["managers"] };

let folder: string;
let now: number;
const open: AsyncDisposable[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "token-issuer-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  now = Date.now();
});
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

async function start(
  name: string,
  accounts = SAMPLE_ACCOUNTS,
  issuer?: string,
  audience: readonly string[] = ["orders"],
): Promise<TokenIssuer> {
  let id = 0;
  const key = await signingKeyIn(join(folder, name));
  const deps = { key, accounts, now: () => now, newId: () => String((id += 1)) };
  const server = await startTokenIssuer(deps, { port: 0, issuer, audience, lifetimeSeconds: 60 });
  open.push(server);
  return server;
}

async function tokenFrom({ port }: TokenIssuer, body: string | URLSearchParams): Promise<string> {
  const headers = typeof body === "string" ? { "content-type": "application/json" } : {};
  const response = await fetch(`http://127.0.0.1:${port}/token`, { method: "POST", body, headers });
  const parsed: unknown = await response.json();
  if (!answer.Check(parsed)) throw new Error(`${response.status}: ${JSON.stringify(parsed)}`);
  return parsed.access_token;
}

/** Who a service takes the bearer for that is configured with these issuers. */
async function judge(issuers: readonly TokenIssuer[], token: string, audience = "orders"): Promise<Caller> {
  const known = issuersOf(issuers, audience);
  await using keySets = await createKeySets({ issuers: known, clock: systemClock, onEvent: () => {} });
  await waitUntil("the key sets", 30_000, () => keySets.status(instant(now)).every(({ usable }) => usable));
  return createIdentify({ issuers: known, keySets }).identify({ authorization: [`Bearer ${token}`] }, instant(now));
}

function issuersOf(issuers: readonly TokenIssuer[], audience: string) {
  return createIssuers(
    issuers.map(({ issuer, port }) => ({
      issuer,
      audience: [audience],
      algorithms: ["EdDSA"],
      typ: "at+jwt",
      jwks_uri: `http://127.0.0.1:${port}/jwks.json`,
      person: { realm: "example", claim: "email", ignore_case: true },
    })),
  );
}

describe("refused", () => {
  test("nobody is given a token for somebody it does not know", async () => {
    const issuer = await start("one");
    await expect(tokenFrom(issuer, '{"user":"eve"}')).rejects.toThrow('400: {"error":"invalid_grant"}');
    await expect(tokenFrom(issuer, '{"name":"dana"}')).rejects.toThrow("400");
    await expect(tokenFrom(issuer, new URLSearchParams({ user: "__proto__" }))).rejects.toThrow("invalid_grant");
  });

  test("nobody is given a token for an audience of which it knows nothing, and one that is for one audience is for no other", async () => {
    const issuer = await start("one", SAMPLE_ACCOUNTS, undefined, ["orders", "countersign"]);
    const asked = (audience: string) => tokenFrom(issuer, new URLSearchParams({ user: "dana", audience }));
    await expect(asked("payroll")).rejects.toThrow('400: {"error":"invalid_target"}');
    const token = await asked("countersign");
    expect(await judge([issuer], token)).toMatchObject({ reason: "credential_audience_wrong" });
    expect(await judge([issuer], token, "countersign")).toMatchObject({ kind: "subject" });
  });

  test("a web page under a name of its own is refused, though that name resolves to this machine", async () => {
    const { port } = await start("one");
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: `evil.example:${port}` };
      request({ port, host: "127.0.0.1", path: "/jwks.json", headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(403);
  });

  test("its token is nothing elsewhere: another audience, later than its minute, or signed by another issuer's key", async () => {
    const issuer = await start("one");
    const token = await tokenFrom(issuer, '{"user":"dana"}');
    expect(await judge([issuer], token, "payroll")).toMatchObject({ reason: "credential_audience_wrong" });
    const other = await start("two", SAMPLE_ACCOUNTS, issuer.issuer);
    const forged = await tokenFrom(other, '{"user":"dana"}');
    expect(await judge([issuer], forged)).toMatchObject({ reason: "credential_key_unknown" });
    now += 66_000;
    expect(await judge([issuer], token)).toMatchObject({ reason: "credential_expired" });
  });

  test("further claims of an account do not replace what the issuer says", async () => {
    const claims = { iss: "https://id.example", sub: "root", exp: 4_000_000_000, suspended: true };
    const issuer = await start("one", [{ ...CONTRACTOR, claims }]);
    const caller = await judge([issuer], await tokenFrom(issuer, '{"user":"dana"}'));
    expect(caller).toMatchObject({
      kind: "subject",
      subject: { id: "c-17", issuer: issuer.issuer, claims: { suspended: true } },
    });
  });
});

describe("given", () => {
  test.each(SAMPLE_ACCOUNTS)("$user is taken for what the sample says, asked by form or JSON", async (account) => {
    const issuer = await start("one");
    for (const body of [new URLSearchParams({ user: account.user }), JSON.stringify({ user: account.user })]) {
      expect(await judge([issuer], await tokenFrom(issuer, body))).toMatchObject({
        kind: "subject",
        subject: { issuer: issuer.issuer, id: account.subject, groups: account.groups },
      });
    }
  });

  test("discovery names the issuer, its keys and where tokens are made", async () => {
    const { port } = await start("one", SAMPLE_ACCOUNTS, "https://sample.example");
    const url = `http://127.0.0.1:${port}`;
    const response = await fetch(`${url}/.well-known/openid-configuration`);
    expect(await response.json()).toMatchObject({
      issuer: "https://sample.example",
      jwks_uri: `${url}/jwks.json`,
      token_endpoint: `${url}/token`,
    });
    expect(response.headers.get("x-warning")).toContain("development only");
  });

  test("a shell that asks for text is given the token and nothing around it", async () => {
    const { port } = await start("text");
    const response = await fetch(`http://127.0.0.1:${port}/token`, {
      method: "POST",
      headers: { accept: "text/plain" },
      body: new URLSearchParams({ user: "dana" }),
    });
    expect(await response.text()).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  test("an account at a second issuer is another subject and the same person", async () => {
    const [first, second] = [await start("one"), await start("two", [CONTRACTOR])];
    const callers = await Promise.all(
      [first, second].map(async (issuer) => judge([first, second], await tokenFrom(issuer, '{"user":"dana"}'))),
    );
    const toParty = createPartyMapper(issuersOf([first, second], "orders"));
    const subjects = callers.flatMap((caller) => (caller.kind === "subject" ? [caller.subject] : []));
    expect(subjects.map(({ id }) => id)).toEqual(["dana", "c-17"]);
    expect(subjects.map((subject) => toParty(subject).person)).toEqual([
      { realm: "example", id: "dana@example.com" },
      { realm: "example", id: "dana@example.com" },
    ]);
  });

  test("a token outlives a restart: the key is kept, and only its owner may read it", async () => {
    const issuer = "https://sample.example";
    const token = await tokenFrom(await start("kept", SAMPLE_ACCOUNTS, issuer), '{"user":"dana"}');
    const restarted = await start("kept", SAMPLE_ACCOUNTS, issuer);
    expect(await judge([restarted], token)).toMatchObject({ kind: "subject" });
    expect((await stat(join(folder, "kept", "signing-key.pem"))).mode & 0o777).toBe(0o600);
    const [a, b] = await Promise.all([signingKeyIn(join(folder, "race")), signingKeyIn(join(folder, "race"))]);
    expect(a.kid).toBe(b.kid);
  });
});
