/** A development token issuer as a process, and what a service is configured with to believe it. */
import { join } from "node:path";
import type { IssuerConfig } from "../../../core/identity/issuers.ts";
import { type Account, SAMPLE_ACCOUNTS } from "../../../sample/token-issuer/accounts.ts";
import { freePort } from "../free-port.ts";
import { createProgram, type Program } from "./program.ts";

/** Of every person here: two issuers of one realm speak of the same people. */
export const REALM = "example";

export type Issuer = Program & {
  readonly url: string;
  /** Where its signing key stands, for a test that makes tokens which no honest issuer would (sample/token-issuer/signing-key.ts). */
  readonly keyFolder: string;
  /** The entry of a service's `identity.issuers`. */
  readonly trusted: (audience: string) => IssuerConfig;
  /** A bearer token for the proxy and for the approval service alike, for 15 minutes. */
  readonly token: (user: string) => Promise<string>;
};

/** The same people at another issuer: other subjects, other groups, the e-mail addresses in another spelling. */
export const OTHER_ACCOUNTS: readonly Account[] = SAMPLE_ACCOUNTS.map(({ user, subject, email }) => ({
  user,
  subject: `contractor-${subject}`,
  email: email.toUpperCase(),
  groups: ["managers", "security"],
}));

export async function createIssuer({
  folder,
  name,
  accounts,
}: {
  readonly folder: string;
  readonly name: string;
  readonly accounts: readonly Account[];
}): Promise<Issuer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const keyFolder = join(folder, `${name}-key`);
  const config = { port, keyFolder, accounts, audience: ["orders", "countersign"] };
  const main = "sample/token-issuer/main.ts";
  return {
    ...createProgram({ name, main, config, readyUrl: `${url}/healthz`, folder }),
    url,
    keyFolder,
    trusted: (audience) => ({
      issuer: url,
      audience: [audience],
      algorithms: ["EdDSA"],
      typ: "at+jwt",
      jwks_uri: `${url}/jwks.json`,
      person: { realm: REALM, claim: "email", ignore_case: true },
    }),
    async token(user) {
      const response = await fetch(`${url}/token`, { method: "POST", body: new URLSearchParams({ user }) });
      const answer: unknown = await response.json();
      if (typeof answer !== "object" || answer === null || !("access_token" in answer))
        throw new Error(`${name} gives no token for ${user}: ${response.status}`);
      return String(answer.access_token);
    },
  };
}
