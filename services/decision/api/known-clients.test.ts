import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { reasonOf } from "../../../platform/lifecycle/cannot-start.ts";
import { readClients } from "./known-clients.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "known-clients-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** What the log says of clients with these tokens, or the tokens. */
async function read(tokens: Readonly<Record<string, string>>): Promise<unknown> {
  const clients = Object.entries(tokens).map(async ([name, token]) => {
    const tokenPath = join(folder, name);
    await writeFile(tokenPath, token);
    return { name, tokenPath, subjects: {}, enforcer: name === "gateway" };
  });
  return readClients(await Promise.all(clients)).then((known) => known.map(({ token }) => token), reasonOf);
}

const TOKEN = "hunter2-hunter2-hunter2";

test.each([
  [
    "two files hold one token",
    { portal: TOKEN, gateway: `${TOKEN}\n` },
    "the token of client gateway is that of portal",
  ],
  ["a token is short", { portal: "hunter2" }, "the token of client portal is shorter than 16 characters"],
])("when %s the client is named, and no token", async (_, tokens, said) => {
  expect(await read(tokens)).toBe(said);
});

test("each has the token of its file, without the last line break", async () => {
  expect(await read({ portal: `${TOKEN}\n`, gateway: `${TOKEN}-2` })).toEqual([TOKEN, `${TOKEN}-2`]);
});
