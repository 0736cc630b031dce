import { expect, test } from "@jest/globals";
import { readClientRequest } from "./client-request.ts";
import { type Route, routeFor } from "./route.ts";

const base = { upstream: "http://127.0.0.1:1", upgrade: false, timeoutMs: 1_000 } as const;
const routes: readonly Route[] = [
  { ...base, prefix: "/live", body: "streamed", upgrade: true },
  { ...base, prefix: "/read", body: "none" },
  { ...base, prefix: "/refunds", body: "buffered" },
  { ...base, prefix: "/open/", body: "streamed" },
];

function route(method: string, url: string, ...headers: string[]) {
  const request = readClientRequest({ httpVersion: "1.1", method, url, rawHeaders: ["host", "a", ...headers] });
  if (request.kind === "refused") throw new Error(request.reason);
  const routed = routeFor(routes, request, { maxBufferBytes: 10 });
  return routed.kind === "routed" ? routed.route.prefix : routed.reason;
}

test.each(["/", "/open", "/Refunds", "/x/refunds", "/?/refunds"])("no route takes %s", (url) => {
  expect(route("GET", url)).toBe("no_route");
});

test("the first prefix takes a path", () => {
  expect(route("GET", "/refunds/1?x")).toBe("/refunds");
  expect(route("GET", "/open/refunds")).toBe("/open/");
});

test("a body is refused where there is none, and where it is longer than the buffer", () => {
  expect(route("POST", "/read", "content-length", "1")).toBe("body_too_large");
  expect(route("POST", "/read", "transfer-encoding", "chunked")).toBe("body_too_large");
  expect(route("POST", "/refunds", "content-length", "11")).toBe("body_too_large");
  expect(route("POST", "/read", "content-length", "0")).toBe("/read");
  expect(route("POST", "/refunds", "content-length", "10")).toBe("/refunds");
  expect(route("POST", "/open/", "content-length", "1000000")).toBe("/open/");
});

test("an upgrade is refused unless the route takes it, and then to WebSocket only", () => {
  const to = (protocol: string) => ["connection", "upgrade", "upgrade", protocol];
  expect(route("GET", "/open/", ...to("websocket"))).toBe("upgrade_refused");
  expect(route("GET", "/live", ...to("tls/1.3"))).toBe("upgrade_refused");
  expect(route("GET", "/live", ...to("h2c, websocket"))).toBe("upgrade_refused");
  expect(route("POST", "/live", ...to("websocket"))).toBe("upgrade_refused");
  expect(route("GET", "/live", ...to("websocket"))).toBe("/live");
});
