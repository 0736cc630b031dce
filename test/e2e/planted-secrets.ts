/** Secrets that are planted wherever one can stand, and where they turn up. */
import { readFile } from "node:fs/promises";
import { WEBHOOK_SECRET } from "../harness/system/approval.ts";
import type { System } from "../harness/system.ts";

/** Made up, one for each place that somebody may put one into. */
export const PLANTED = {
  "a bearer token that is none": "CANARY0bearer.eyJhbGciOiJub25lIn0.zz",
  "a basic credential": "Q0FOQVJZMDpiYXNpYw",
  "a cookie": "CANARY0cookie",
  "a header": "CANARY0header",
  "a body": "CANARY0body",
  "the value of a query": "CANARY0query",
  "a value in a REST body": "CANARY0rest",
  "the value of a REST query": "CANARY0cursor",
  "the token of a client of the API": "CANARY0client-of-the-api",
  "a value in a question over HTTP": "CANARY0question",
  "a value in a question over gRPC": "CANARY0grpcquestion",
  "a service token that is wrong": "CANARY0wrong-service-token",
  "a record that nobody can read": "CANARY0record",
  "a member of such a record": "CANARY0member",
  "the key of such a record": "CANARY0key",
  "a header of such a record": "CANARY0elseheader",
  "the password of the database": "CANARY0password",
} as const;

/** With those that the set itself lives by: tokens of people, keys, the service token and the webhook's secret. */
export async function allSecrets(system: System): Promise<ReadonlyMap<string, string>> {
  const keys = await Promise.all([...system.keys.values()].map(({ privatePath }) => readFile(privatePath, "utf8")));
  const people = ["dana", "max", "sam"];
  const tokens = await Promise.all(people.map((user) => system.token(user)));
  return new Map([
    ...Object.entries(PLANTED),
    ["the service token", system.serviceToken],
    ["the webhook's secret", WEBHOOK_SECRET.replace(/^whsec_/, "")],
    ...keys.map((pem, at): [string, string] => [`private key ${at}`, pem.split("\n")[1] ?? pem]),
    ...tokens.map((token, at): [string, string] => [`the token of ${people[at]}`, token.split(".")[2] ?? token]),
  ]);
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
