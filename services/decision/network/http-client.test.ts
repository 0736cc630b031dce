/** What goes over the wire for `http.send`, with real servers on this machine and names that resolve as the test says. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { HttpAsk } from "../../../core/policy/asks.ts";
import { createAuthority } from "../../../test/harness/certificates.ts";
import { createHttpClient, type HttpClient, NotListed, TooLarge } from "./http-client.ts";
import { createListedHosts } from "./listed-hosts.ts";

type Seen = { readonly line: string; readonly headers: IncomingMessage["headers"]; readonly body: string };

const NAMES: ReadonlyMap<string, readonly string[]> = new Map([
  ["api.example", ["127.0.0.1"]],
  ["next.example", ["127.0.0.1"]],
  ["unlisted.example", ["127.0.0.1"]],
  ["metadata.example", ["169.254.169.254"]],
  ["half.example", ["127.0.0.1", "10.0.0.1"]],
]);
const never = new AbortController().signal;

let server: Server;
let client: HttpClient;
let port: number;
const seen: Seen[] = [];
const resolved: string[] = [];

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = (await request.toArray()).join("");
  seen.push({ line: `${request.method} ${request.headers.host} ${request.url}`, headers: request.headers, body });
  const url = new URL(request.url ?? "", "http://server");
  const to = url.searchParams.get("to");
  if (to !== null)
    return void response.writeHead(Number(url.searchParams.get("status") ?? "302"), { location: to }).end();
  if (url.pathname === "/loop") return void response.writeHead(302, { location: "/loop" }).end();
  if (url.pathname === "/large") {
    for (let sent = 0; sent < 10 && !response.destroyed; sent += 1) response.write(Buffer.alloc(1 << 20));
    return void response.end();
  }
  if (url.pathname === "/never") return;
  response
    .writeHead(201, "Made", { "content-type": "text/plain", "x-twice": ["a", "b"] })
    .end(Buffer.from([0x61, 0xff]));
}

beforeAll(async () => {
  server = createServer((request, response) => void answer(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
  const names = [
    "api.example",
    `next.example:${port}`,
    "metadata.example",
    "half.example",
    "127.0.0.1",
    "169.254.169.254",
  ];
  client = createHttpClient(
    {
      hosts: createListedHosts(names, ["127.0.0.0/8"]),
      resolve(name) {
        resolved.push(name);
        const addresses = NAMES.get(name);
        return addresses === undefined ? Promise.reject(new Error("ENOTFOUND")) : Promise.resolve(addresses);
      },
    },
    { maxResponseBytes: 65_536 },
  );
});

afterAll(async () => {
  await client[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

function asking(url: string, changes: Partial<HttpAsk> = {}): HttpAsk {
  return {
    ...{ kind: "http", method: "GET", url: url.replace(":PORT", `:${port}`), headers: [], body: undefined },
    ...{ followsRedirects: false, timeoutMs: undefined, retries: 0, tls: undefined, cache: undefined },
    ...changes,
  };
}

const send = (url: string, changes?: Partial<HttpAsk>) => client.send(asking(url, changes), never);
const target = (url: string) => encodeURIComponent(url.replace(":PORT", `:${port}`));

test("an answer has its status line, its headers as lists, and its bytes as they came", async () => {
  const reply = await send("http://api.example:PORT/a?b=c", {
    ...{
      method: "POST",
      body: "x\udcff",
      headers: [
        ["X-Own", "1"],
        ["Host", "other.example"],
      ],
    },
  });
  expect(reply).toMatchObject({ kind: "http", status: "201 Made", statusCode: 201, body: "a\udcff" });
  expect(new Map(reply.headers).get("x-twice")).toEqual(["a", "b"]);
  expect(seen.at(-1)).toMatchObject({ line: "POST other.example /a?b=c", headers: { "x-own": "1" } });
  expect(seen.at(-1)?.headers).toMatchObject({ "accept-encoding": "identity", "user-agent": "countersign-policy/1" });
});

test("name and password of a URL are credentials, unless the policy gives others", async () => {
  await send("http://us%40er:pass@api.example:PORT/");
  expect(seen.at(-1)?.headers.authorization).toBe(`Basic ${Buffer.from("us@er:pass").toString("base64")}`);
  await send("http://user:pass@api.example:PORT/", { headers: [["Authorization", "Bearer t"]] });
  expect(seen.at(-1)?.headers.authorization).toBe("Bearer t");
});

test("a header goes out as its bytes, whatever a client wrote into it; what belongs to the connection does not", async () => {
  const headers = [
    ["X-User", "\u0100é\udcff"],
    ["Expect", "100-continue"],
    ["Upgrade", "h2c"],
    ["Content-Length", "7"],
    ["Transfer-Encoding", "gzip"],
  ] as const;
  await send("http://api.example:PORT/", { method: "POST", body: "abc", headers });
  expect(seen.at(-1)).toMatchObject({ body: "abc", headers: { "content-length": "3" } });
  const got = seen.at(-1)?.headers;
  expect(Buffer.from(String(got?.["x-user"]), "latin1").toString("hex")).toBe("c480c3a9ff");
  expect([got?.expect, got?.upgrade, got?.["transfer-encoding"]]).toEqual([undefined, undefined, undefined]);
});

test("a certificate has to have the URL's name or the one that the policy gives, never that of a Host header", async () => {
  const authority = await createAuthority("ours");
  const pair = await authority.issue({ name: "evil", use: "server", hosts: ["evil.example"] });
  const secure = createSecureServer(pair, (request, response) => void answer(request, response)).listen(0, "127.0.0.1");
  await once(secure, "listening");
  const address = secure.address();
  const url = `https://api.example:${typeof address === "object" && address !== null ? address.port : 0}/`;
  const own = { ca: String(authority.ca), systemRoots: false, cert: undefined, key: undefined, serverName: undefined };
  const host = [["Host", "evil.example"]] as const;
  const wrong = { code: "ERR_TLS_CERT_ALTNAME_INVALID" };
  await expect(send(url, { tls: own })).rejects.toMatchObject(wrong);
  await expect(send(url, { tls: own, headers: host })).rejects.toMatchObject(wrong);
  await expect(send(url, { tls: { ...own, serverName: "api.example" }, headers: host })).rejects.toMatchObject(wrong);
  expect(await send(url, { tls: { ...own, serverName: "evil.example" } })).toMatchObject({ statusCode: 201 });
  secure.closeAllConnections();
  secure.close();
});

describe("nobody is asked", () => {
  test.each([
    ["whose name is not listed", "http://unlisted.example:PORT/"],
    ["at a port that is not listed", "http://next.example:1/"],
    ["whose address is not listed", "http://127.0.0.2:PORT/"],
    ["whose address is written otherwise", "http://[::ffff:127.0.0.1]:PORT/"],
    ["whose address is listed and lies in no range", "http://169.254.169.254/latest/meta-data"],
    ["whose name leads to a cloud's metadata", "http://metadata.example/latest/meta-data"],
    ["one of whose addresses lies in no range", "http://half.example:PORT/"],
  ])("%s", async (_, url) => {
    const before = seen.length;
    await expect(send(url)).rejects.toBeInstanceOf(NotListed);
    expect(seen.length).toBe(before);
  });
});

test("nothing but HTTP is spoken", async () => {
  await expect(send("ftp://api.example/")).rejects.toThrow();
  await expect(send("unix://localhost/a?socket=%2Ftmp%2Fs.sock")).rejects.toThrow();
});

describe("a redirect", () => {
  test("is the answer itself unless the policy follows it", async () => {
    const reply = await send(`http://api.example:PORT/?to=${target("http://next.example:PORT/there")}`);
    expect(reply.statusCode).toBe(302);
  });

  test("is followed to a host that is listed, without the credentials of the first one", async () => {
    const follow = { followsRedirects: true, headers: [["authorization", "Bearer t"]] } as const;
    const reply = await send(`http://api.example:PORT/?to=${target("http://next.example:PORT/there")}`, follow);
    expect(reply.statusCode).toBe(201);
    expect(seen.at(-1)?.line).toBe(`GET next.example:${port} /there`);
    expect(seen.at(-1)?.headers.authorization).toBeUndefined();
  });

  test.each([
    "http://unlisted.example:PORT/",
    "http://169.254.169.254/",
    "http://metadata.example/",
    "file:///etc/passwd",
  ])("to %s is not followed", async (to) => {
    const before = seen.length;
    await expect(send(`http://api.example:PORT/?to=${target(to)}`, { followsRedirects: true })).rejects.toThrow();
    expect(seen.length).toBe(before + 1);
  });

  test("that leads to itself ends", async () => {
    await expect(send("http://api.example:PORT/loop", { followsRedirects: true })).rejects.toThrow();
  });
});

test("an answer of 10 MB is read no further than its limit", async () => {
  await expect(send("http://api.example:PORT/large")).rejects.toBeInstanceOf(TooLarge);
});

test("who never answers is left when the time is over", async () => {
  const stop = new AbortController();
  const sent = client.send(asking("http://api.example:PORT/never"), stop.signal);
  await until(() => seen.at(-1)?.line.endsWith("/never") === true);
  stop.abort();
  await expect(sent).rejects.toThrow("aborted");
});

test("connections are kept: a name is not looked up for each question", async () => {
  const before = resolved.length;
  for (let count = 0; count < 10; count += 1) await send("http://api.example:PORT/");
  expect(resolved.length - before).toBeLessThan(5);
});

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error("the server was not asked");
    await new Promise((done) => setImmediate(done));
  }
}
