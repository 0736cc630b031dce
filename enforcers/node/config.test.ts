import { expect, test } from "@jest/globals";
import { loadConfig } from "../../platform/config/load.ts";
import { GatewayConfigSchema, unsafeTogether } from "./config.ts";

async function faultsOf(env: Readonly<Record<string, string>>) {
  const loaded = await loadConfig({
    schema: GatewayConfigSchema,
    env: { COUNTERSIGN_GATEWAY_ROUTES: "[{prefix: /, upstream: 'http://127.0.0.1:1'}]", ...env },
    prefix: "COUNTERSIGN_GATEWAY_",
    rules: unsafeTogether,
  });
  return loaded.kind === "loaded" ? [] : loaded.faults.map(({ key }) => key);
}

test.each([
  ["tokens in plain text beyond loopback", { COUNTERSIGN_GATEWAY_LISTEN_HOST: "0.0.0.0" }, "listen.host"],
  [
    "checks in plain text beyond loopback",
    { COUNTERSIGN_GATEWAY_AUTHORIZATION_ADDRESS: "pdp:9191" },
    "authorization.address",
  ],
  ["certificates without TLS", { COUNTERSIGN_GATEWAY_AUTHORIZATION_CA_PATH: "ca.pem" }, "authorization.tls"],
  [
    "a certificate without its key",
    { COUNTERSIGN_GATEWAY_AUTHORIZATION_TLS: "true", COUNTERSIGN_GATEWAY_AUTHORIZATION_CERT_PATH: "c.pem" },
    "authorization.certPath",
  ],
  [
    "an upstream with a path",
    { COUNTERSIGN_GATEWAY_ROUTES: "[{prefix: /, upstream: 'http://a/b'}]" },
    "routes.0.upstream",
  ],
  [
    "an upstream with a user",
    { COUNTERSIGN_GATEWAY_ROUTES: "[{prefix: /, upstream: 'http://u@a'}]" },
    "routes.0.upstream",
  ],
  [
    "a route that an earlier one hides",
    { COUNTERSIGN_GATEWAY_ROUTES: "[{prefix: /a, upstream: 'http://a'}, {prefix: /a/b, upstream: 'http://a'}]" },
    "routes.1.prefix",
  ],
  [
    "a misspelt key of a route",
    { COUNTERSIGN_GATEWAY_ROUTES: "[{prefix: /, upstream: 'http://a', boddy: none}]" },
    "routes.0.boddy",
  ],
  [
    "a decision service by a scheme",
    { COUNTERSIGN_GATEWAY_AUTHORIZATION_ADDRESS: "http://127.0.0.1:9191" },
    "authorization.address",
  ],
  ["one port for two purposes", { COUNTERSIGN_GATEWAY_OPS_PORT: "8080" }, "ops.port"],
  ["no route", { COUNTERSIGN_GATEWAY_ROUTES: "[]" }, "routes"],
])("%s does not start", async (_, env, key) => {
  expect(await faultsOf(env)).toContain(key);
});

test("a route that says nothing buffers, so that bodies are judged", async () => {
  const env = { COUNTERSIGN_GATEWAY_ROUTES: "[{prefix: /, upstream: 'http://[::1]:1'}]" };
  const loaded = await loadConfig({
    schema: GatewayConfigSchema,
    env,
    prefix: "COUNTERSIGN_GATEWAY_",
    rules: unsafeTogether,
  });
  expect(loaded.kind === "loaded" && loaded.config.routes).toEqual([
    { prefix: "/", upstream: "http://[::1]:1", body: "buffered", upgrade: false, timeoutMs: 15_000 },
  ]);
});
