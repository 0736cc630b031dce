import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from "node:http";
import { afterEach, describe, expect, test } from "@jest/globals";
import { createDeliver } from "./deliver.ts";
import { createWebhookKey } from "./signature.ts";
import { createTargetCheck } from "./target-address.ts";

const secretBytes = Buffer.alloc(32, 7);
const key = createWebhookKey(`whsec_${secretBytes.toString("base64")}`);
const NOTE = { id: "01930000-0000-7000-8000-000000000001", body: '{"a":1}' };
const NOW_SECONDS = 1_795_478_400;
const { signal } = new AbortController();
const servers: Server[] = [];

async function listen(handler: RequestListener): Promise<number> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

function deliverTo(url: string, allowed: readonly string[], addresses: readonly string[] = [], timeoutMs = 5_000) {
  let resolved = 0;
  const checkTarget = createTargetCheck(
    {
      resolve: async () => {
        resolved += 1;
        return addresses;
      },
    },
    allowed,
  );
  const deliver = createDeliver({ checkTarget, key }, { url: new URL(url), timeoutMs });
  return { deliver: () => deliver(NOTE, NOW_SECONDS, signal), resolved: () => resolved };
}

describe("where a webhook may go", () => {
  test.each([
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
  ])("%s is refused when the allow list does not name it", async (address) => {
    const check = createTargetCheck({ resolve: async () => [address] }, ["10.9.0.0/16"]);
    expect(await check(new URL("https://hook.example/"))).toEqual({ kind: "refused", reason: "address_not_allowed" });
    const literal = address.includes(":") ? `[${address}]` : address;
    expect(await check(new URL(`https://${literal}/`))).toEqual({ kind: "refused", reason: "address_not_allowed" });
  });

  test("a decimal or hexadecimal spelling of a private address is refused like the address", async () => {
    const check = createTargetCheck({ resolve: async () => [] }, []);
    for (const host of ["2130706433", "0x7f.1", "127.1"])
      expect((await check(new URL(`https://${host}/`))).kind).toBe("refused");
  });

  test("a name with one public and one private address is refused", async () => {
    const check = createTargetCheck({ resolve: async () => ["198.51.100.7", "8.8.8.8", "127.0.0.1"] }, []);
    expect((await check(new URL("https://hook.example/"))).kind).toBe("refused");
  });

  test("plain HTTP to a public address is refused, HTTPS is not", async () => {
    const check = createTargetCheck({ resolve: async () => ["8.8.8.8"] }, []);
    expect(await check(new URL("http://hook.example/"))).toEqual({ kind: "refused", reason: "plain_http" });
    expect(await check(new URL("https://hook.example/"))).toEqual({ kind: "address", address: "8.8.8.8" });
  });

  test("a name that cannot be resolved is refused", async () => {
    const check = createTargetCheck({ resolve: () => Promise.reject(new Error("ENOTFOUND")) }, []);
    expect(await check(new URL("https://hook.example/"))).toEqual({ kind: "refused", reason: "unresolved" });
  });
});

describe("one delivery", () => {
  test("an unlisted loopback target is never connected to", async () => {
    let calls = 0;
    const port = await listen((_request, response) => {
      calls += 1;
      response.end();
    });
    const outcome = await deliverTo(`http://127.0.0.1:${port}/`, []).deliver();
    expect(outcome).toEqual({ kind: "failed", reason: "address_not_allowed" });
    expect(calls).toBe(0);
  });

  test("a redirect is a failure and is not followed", async () => {
    let calls = 0;
    const port = await listen((_request, response) => {
      calls += 1;
      response.writeHead(307, { location: "/elsewhere" }).end();
    });
    const outcome = await deliverTo(`http://127.0.0.1:${port}/`, ["127.0.0.1/32"]).deliver();
    expect(outcome).toEqual({ kind: "failed", reason: "status_307" });
    expect(calls).toBe(1);
  });

  test("a target that accepts and never answers is given up at the deadline", async () => {
    const port = await listen(() => {});
    const outcome = await deliverTo(`http://127.0.0.1:${port}/`, ["127.0.0.1/32"], [], 100).deliver();
    expect(outcome).toEqual({ kind: "failed", reason: "timeout" });
  });

  test("an answer whose body never ends is delivered by its status", async () => {
    const port = await listen((_request, response) => {
      response.writeHead(200);
      response.write("x".repeat(1_000_000));
    });
    expect(await deliverTo(`http://127.0.0.1:${port}/`, ["127.0.0.1/32"]).deliver()).toEqual({ kind: "delivered" });
  });

  test("the name is resolved once, and the request carries the name, the id and a signature over id, time and body", async () => {
    let seen: { headers: IncomingHttpHeaders; body: string } | undefined;
    const port = await listen((request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += String(chunk);
      });
      request.on("end", () => {
        seen = { headers: request.headers, body };
        response.writeHead(204).end();
      });
    });
    const target = deliverTo(`http://hook.internal:${port}/a?b`, ["127.0.0.0/8"], ["127.0.0.1"]);
    expect(await target.deliver()).toEqual({ kind: "delivered" });
    expect(target.resolved()).toBe(1);
    const signature = createHmac("sha256", secretBytes).update(`${NOTE.id}.${NOW_SECONDS}.${NOTE.body}`);
    expect(seen?.body).toBe(NOTE.body);
    expect(seen?.headers).toMatchObject({
      host: `hook.internal:${port}`,
      "webhook-id": NOTE.id,
      "webhook-timestamp": String(NOW_SECONDS),
      "webhook-signature": `v1,${signature.digest("base64")}`,
    });
  });

  test("a short or malformed secret is refused without being shown", () => {
    for (const secret of ["whsec_c2hvcnQ=", "c2VjcmV0", ""])
      expect(() => createWebhookKey(secret)).toThrow(/^invalid_configuration: webhook secret: whsec_ and base64/);
  });
});
