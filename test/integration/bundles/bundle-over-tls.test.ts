/** A bundle server over TLS: only one that the configured authority vouches for is shown the token, and believed. */
import { createServer } from "node:https";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createHttpSource } from "../../../core/policy/bundles/http-source.ts";
import { writeArchive } from "../../../core/policy/bundles/write-archive.ts";
import { type Authority, createAuthority } from "../../harness/certificates.ts";
import { listening } from "../../harness/listening.ts";
import { sampleFiles } from "../../harness/signed-bundle.ts";

const owned = new AsyncDisposableStack();
const tokens: (string | undefined)[] = [];
let ours: Authority;
let port: number;

beforeAll(async () => {
  ours = await createAuthority("ours");
  const archive = await writeArchive(await sampleFiles());
  const pair = await ours.issue({ name: "bundles", use: "server" });
  const server = createServer(pair, (request, response) => {
    tokens.push(request.headers.authorization);
    response.writeHead(200, { etag: '"1"' }).end(archive);
  });
  owned.defer(() => new Promise<void>((done) => void server.close(() => done())));
  port = await listening(server);
});
afterAll(async () => {
  await owned.disposeAsync();
});

async function look(ca: Buffer | undefined, host = "127.0.0.1") {
  const url = new URL(`https://${host}:${port}/bundle.tar.gz`);
  await using source = createHttpSource({ url, ca: ca?.toString(), token: "s3cret", waitSeconds: 0 });
  return await source.look(undefined, new AbortController().signal);
}

test("another authority, none of ours, and a name that the certificate does not have: unreachable, and the token is not shown", async () => {
  const theirs = await createAuthority("theirs");
  const unreachable = { kind: "failed", reason: "unreachable" };
  expect(await look(theirs.ca)).toMatchObject(unreachable);
  expect(await look(undefined)).toMatchObject(unreachable);
  expect(await look(ours.ca, "127.0.0.2")).toMatchObject(unreachable);
  expect(tokens).toEqual([]);
  expect(await look(ours.ca)).toMatchObject({ kind: "found", tag: '"1"' });
  expect(tokens).toEqual(["Bearer s3cret"]);
});
