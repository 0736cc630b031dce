/**
 * A token issuer for development: whoever asks is given a token for whomever he names, without a password. What it serves is shaped like an
 * OpenID provider (discovery, key set, token endpoint), so that the services are configured as they would be with a real one.
 *
 * NB: it must be reachable from this machine only. Beside the address it listens on, the name in the request has to be a loopback one, since
 * a web page can have its own name resolve to 127.0.0.1 and read the answers.
 */
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from "@fastify/type-provider-typebox";
import fastify from "fastify";
import { Type } from "typebox";
import { accessToken } from "./access-token.ts";
import type { Account } from "./accounts.ts";
import type { SigningKey } from "./signing-key.ts";

const LOOPBACK_NAMES = new Set(["127.0.0.1", "localhost", "[::1]"]);
const WARNING = "for development only: anybody gets a token for anybody";

export interface TokenIssuer extends AsyncDisposable {
  readonly port: number;
  /** The `iss` of its tokens. */
  readonly issuer: string;
}

/** Without `issuer` the tokens name the address. Rejects when the port is not to be had. */
export async function startTokenIssuer(
  {
    key,
    accounts,
    now,
    newId,
  }: {
    readonly key: SigningKey;
    readonly accounts: readonly Account[];
    /** Milliseconds since 1970. */
    readonly now: () => number;
    readonly newId: () => string;
  },
  {
    host = "127.0.0.1",
    port,
    issuer: givenIssuer,
    audience,
    lifetimeSeconds,
  }: {
    /** Reached by way of loopback only, whatever it is. */
    readonly host?: string;
    readonly port: number;
    readonly issuer: string | undefined;
    /** For whom it makes tokens. */
    readonly audience: readonly string[];
    readonly lifetimeSeconds: number;
  },
): Promise<TokenIssuer> {
  const byUser = new Map(accounts.map((account) => [account.user, account]));
  const server = fastify({ bodyLimit: 4_096, forceCloseConnections: true })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(TypeBoxValidatorCompiler);
  let url = "";
  let issuer = "";

  server.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, text, done) =>
    done(null, Object.fromEntries(new URLSearchParams(text.toString()))),
  );
  server.addHook("onRequest", async ({ hostname }, reply) => {
    if (!LOOPBACK_NAMES.has(hostname)) return reply.code(403).send({ error: "access_denied" });
    reply.headers({ "cache-control": "no-store", "x-warning": WARNING });
  });

  server.get("/.well-known/openid-configuration", async () => ({
    issuer,
    jwks_uri: `${url}/jwks.json`,
    token_endpoint: `${url}/token`,
    id_token_signing_alg_values_supported: ["EdDSA"],
    claims_supported: ["iss", "sub", "aud", "exp", "iat", "jti", "email", "email_verified", "groups"],
  }));
  server.get("/jwks.json", async () => ({ keys: [key.jwk] }));
  server.get("/healthz", async () => ({ status: "ok" }));
  // For all audiences unless one is named. As OAuth answers; the bare token for a shell that asks for text.
  server.post(
    "/token",
    { schema: { body: Type.Object({ user: Type.String(), audience: Type.Optional(Type.String()) }) } },
    async ({ body, headers }, reply) => {
      const account = byUser.get(body.user);
      if (account === undefined) return reply.code(400).send({ error: "invalid_grant" });
      const asked = audience.filter((one) => body.audience === undefined || one === body.audience);
      if (asked.length === 0) return reply.code(400).send({ error: "invalid_target" });
      const terms = { issuer, audience: asked, lifetimeSeconds };
      const token = await accessToken(key, account, terms, { id: newId(), at: now() });
      if (headers.accept === "text/plain") return reply.type("text/plain").send(token);
      return { access_token: token, token_type: "Bearer", expires_in: lifetimeSeconds };
    },
  );

  await server.listen({ host, port });
  const address = server.server.address();
  if (typeof address !== "object" || address === null) throw new Error("the token issuer has no port");
  url = `http://127.0.0.1:${address.port}`;
  issuer = givenIssuer ?? url;
  return { port: address.port, issuer, [Symbol.asyncDispose]: () => server.close() };
}
