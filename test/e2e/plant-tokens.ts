/** Tokens that are whole and refused all the same, each for another reason: what is wrong with a token is told, the token is not. */
import { generateKeyPairSync } from "node:crypto";
import { SAMPLE_ACCOUNTS } from "../../sample/token-issuer/accounts.ts";
import { accessToken } from "../../sample/token-issuer/access-token.ts";
import { signingKeyIn } from "../../sample/token-issuer/signing-key.ts";
import type { System } from "../harness/system.ts";

const HOUR_MS = 3_600_000;

/** By what is wrong with them. */
export async function refusedTokens({ issuers: { main } }: System): Promise<ReadonlyMap<string, string>> {
  const [account] = SAMPLE_ACCOUNTS;
  if (account === undefined) throw new Error("nobody to make a token for");
  const key = await signingKeyIn(main.keyFolder);
  const another = { ...key, privateKey: generateKeyPairSync("ed25519").privateKey };
  const terms = { issuer: main.url, audience: ["orders", "countersign"], lifetimeSeconds: 600 };
  const now = Date.now();
  const made = (more: Partial<typeof terms>, at = now, by = key) =>
    accessToken(by, account, { ...terms, ...more }, { id: crypto.randomUUID(), at });
  const good = await made({});
  const [head = "", claims = ""] = good.split(".");
  const unsigned = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url");
  return new Map([
    ["a token that has ended", await made({}, now - HOUR_MS)],
    ["a token that has not begun", await made({}, now + HOUR_MS)],
    ["a token for somebody else", await made({ audience: ["elsewhere"] })],
    ["a token of an issuer that nobody knows", await made({ issuer: "https://issuer.elsewhere.example" })],
    ["a token by another key", await made({}, now, another)],
    ["a token whose signature is none", `${head}.${claims}.${Buffer.alloc(64, 5).toString("base64url")}`],
    ["a token that says it needs no signature", `${unsigned}.${claims}.CANARY0unsigned`],
  ]);
}
