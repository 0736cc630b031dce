/** Secrets that are planted wherever one can stand, and where they turn up. */
import { readFile } from "node:fs/promises";
import { WEBHOOK_SECRET } from "../harness/system/approval.ts";
import type { System } from "../harness/system.ts";

/** Made up, one for each place that somebody may put one into; each carries the mark that the logs of every test are searched for. */
export const PLANTED = {
  "a bearer token that is none": "CANARY0bearer.eyJhbGciOiJub25lIn0.zz",
  "a basic credential": "Q0FOQVJZMDpiYXNpYw",
  "a cookie": "CANARY0cookie",
  "a header": "CANARY0header",
  "the header of a client certificate": "CANARY0xfcc",
  "the client certificate that an enforcer saw": "CANARY0certificate",
  "a body": "CANARY0body",
  "the value of a query": "CANARY0query",
  "a value in a REST body": "CANARY0rest",
  "the value of a REST query": "CANARY0cursor",
  "an idempotency key": "CANARY0idempotency",
  "the token of a client of the API": "CANARY0client-of-the-api",
  "a value in a question over HTTP": "CANARY0question",
  "a value in a question over gRPC": "CANARY0grpcquestion",
  "a service token that is wrong": "CANARY0wrong-service-token",
  "a record that nobody can read": "CANARY0record",
  "a member of such a record": "CANARY0member",
  "the key of such a record": "CANARY0key",
  "a header of such a record": "CANARY0elseheader",
  "the password of the database": "CANARY0password",
  "a password at the brokers": "CANARY0sasl",
  "a password of the stream's database": "CANARY0stream",
  "the token for the bundle server": "CANARY0bundle",
  "a webhook's secret": "Q0FOQVJZMHdlYmhvb2s",
  "a key file that is none": "CANARY0keyfile",
} as const;

/** With those that the set itself lives by: every token that a person was given, keys, the service token, the webhook's secret; and `more`. */
export async function allSecrets(
  system: System,
  more: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  const keys = await Promise.all([...system.keys.values()].map(({ privatePath }) => readFile(privatePath, "utf8")));
  return new Map([
    ...Object.entries(PLANTED),
    ["the service token", system.serviceToken],
    ["the webhook's own secret", WEBHOOK_SECRET.replace(/^whsec_/, "")],
    ["the password at the brokers", system.kafka.sasl.password],
    ...keys.map((pem, at): [string, string] => [`private key ${at}`, keyIn(pem)]),
    ...system.tokensGiven.map((token, at): [string, string] => [`token ${at} of a person`, signatureOf(token)]),
    ...more,
  ]);
}

/** Of a PEM, what is in no other. */
export function keyIn(pem: string): string {
  return pem.trim().split("\n").at(-2) ?? pem;
}

/** Of a token in three parts, what makes it one; the token itself where it has no such part. */
export function signatureOf(token: string): string {
  return token.split(".")[2] || token;
}

/** Each secret that stands in a text, as it is or in base64, with the place. */
export function leaks(secrets: ReadonlyMap<string, string>, place: string, text: string): readonly string[] {
  return [...secrets].flatMap(([what, secret]) => {
    const bare = Buffer.from(secret).toString("base64").replace(/=+$/, "").slice(0, -1);
    const found = [secret, bare, encodeURIComponent(secret)].find((form) => text.includes(form));
    if (found === undefined) return [];
    const at = text.indexOf(found);
    return [`${what} in ${place}: …${text.slice(Math.max(0, at - 120), at)}⟨here⟩`];
  });
}
