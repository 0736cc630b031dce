/**
 * What `sslmode` of an address makes of a connection: to a server of this test, which answers as PostgreSQL begins and keeps what it was told
 * in plain text and over TLS. That the user is named is what a server first hears.
 */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type Authority, type CertificatePair, createAuthority, pemFile } from "../../test/harness/certificates.ts";
import { createLog } from "../log/log.ts";
import { createDatabase } from "./pool.ts";

const log = createLog({ name: "test", level: "silent" });
const REFUSED = Buffer.from("N");
const ACCEPTED = Buffer.from("S");
const WELCOME = Buffer.from("R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I", "latin1");

let folder: string;
let own: Authority;
let ca: string;
let otherCa: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "postgres-tls-"));
  own = await createAuthority("our databases");
  ca = await pemFile(folder, "ca", own.ca);
  otherCa = await pemFile(folder, "other-ca", (await createAuthority("somebody else")).ca);
});
afterAll(() => rm(folder, { recursive: true }));

type Heard = { plain: string; overTls: string };

/** `pair` undefined: speaks no TLS. */
async function startServer(pair: CertificatePair | undefined) {
  const heard: Heard = { plain: "", overTls: "" };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", (first) => {
      if (first.length !== 8) {
        heard.plain += first.toString("latin1");
        return void socket.write(WELCOME);
      }
      socket.write(pair === undefined ? REFUSED : ACCEPTED);
      if (pair === undefined) return void socket.on("data", (more) => (heard.plain += more.toString("latin1")));
      const secure = new TLSSocket(socket, { isServer: true, cert: pair.cert, key: pair.key });
      secure.on("error", () => {});
      secure.once("data", (startup) => {
        heard.overTls += startup.toString("latin1");
        secure.write(WELCOME);
      });
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    heard,
    async open(parameters: string) {
      const connection = `postgres://somebody@localhost:${port}/d?${parameters}`;
      await using database = createDatabase({ log }, { connection, applicationName: "test", connectTimeoutMs: 5_000 });
      await (await database.openSession("one")).close();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe.each(["verify-full", "verify-ca", "require", "prefer"])("sslmode=%s tells nothing", (mode) => {
  test("to a server that another authority has signed for", async () => {
    await using server = await startServer(await own.issue({ name: "database", use: "server" }));
    await expect(server.open(`sslmode=${mode}&sslrootcert=${otherCa}`)).rejects.toThrow();
    await expect(server.open(`sslmode=${mode}`)).rejects.toThrow();
    expect(server.heard).toEqual({ plain: "", overTls: "" });
  });

  test("to a server of another name", async () => {
    await using server = await startServer(await own.issue({ name: "x", use: "server", hosts: ["db.example"] }));
    await expect(server.open(`sslmode=${mode}&sslrootcert=${ca}`)).rejects.toThrow(/altnames/);
    expect(server.heard).toEqual({ plain: "", overTls: "" });
  });

  test("to a server without TLS", async () => {
    await using server = await startServer(undefined);
    await expect(server.open(`sslmode=${mode}&sslrootcert=${ca}`)).rejects.toThrow(/does not support SSL/);
    expect(server.heard).toEqual({ plain: "", overTls: "" });
  });
});

describe("what is said goes", () => {
  let pair: CertificatePair;
  beforeEach(async () => {
    pair = await own.issue({ name: "database", use: "server" });
  });

  test.each([
    ["over TLS to the server that is named", "sslmode=verify-full&sslrootcert=CA", "overTls"],
    ["over TLS to whoever answers, if it is not to be verified", "sslmode=no-verify", "overTls"],
    ["in plain text, if that is said", "sslmode=disable", "plain"],
    ["in plain text, if nothing is said", "", "plain"],
    ["in plain text, if an empty sslmode is", "sslmode=", "plain"],
  ] as const)("%s", async (_, parameters, way) => {
    await using server = await startServer(pair);
    await server.open(parameters.replace("CA", ca));
    expect(server.heard[way]).toContain("somebody");
    expect(server.heard[way === "plain" ? "overTls" : "plain"]).toBe("");
  });
});
