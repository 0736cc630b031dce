/**
 * What the decision service refuses to start with: each unsafe combination by itself on top of a configuration that is fine, and named by
 * its key, its variable and what to do. What both services refuse alike is in test/samples/unsafe-in-both.ts.
 */
import { expect, test } from "@jest/globals";
import type { UnsafeCase } from "../../../test/harness/config-start.ts";
import { fine, issuer, refusal, secrets, tls, TOKEN } from "../../../test/samples/decision-config.ts";
import { unsafeInBoth } from "../../../test/samples/unsafe-in-both.ts";

const unsafe: readonly UnsafeCase[] = [
  {
    what: "certificate identities by anybody's word",
    settings: {
      listen: { host: "0.0.0.0", ...tls },
      identity: {
        issuers: [issuer],
        principals: [{ match: "spiffe://example.org/{user}", issuer: "spiffe://example.org" }],
      },
    },
    says: "identity.principals",
  },
  {
    what: "verified claims by anybody's word",
    settings: {
      listen: { host: "0.0.0.0", ...tls },
      identity: { issuers: [issuer], token: { metadata: { key: "payload" } } },
    },
    says: "identity.token.metadata",
  },
  {
    what: "a time zone that does not exist",
    settings: { context: { timeZone: "Europe/Atlantis" } },
    says: "context.timeZone (COUNTERSIGN_CONTEXT_TIME_ZONE): is not a time zone",
  },
  {
    what: "office hours that end before they begin",
    settings: { context: { officeHours: { from: "18:00", to: "08:00" } } },
    says: "context.officeHours.to",
  },
  {
    what: "a device by a header that nothing sends",
    settings: { context: { device: { headers: { os: "X-Device-OS" } } } },
    says: "context.device.headers.os",
  },
  {
    what: "a certificate identity by pattern",
    settings: { identity: { issuers: [issuer], principals: [{ match: "spiffe://example.org/*", issuer: "x" }] } },
    says: "identity.principals.0.match",
  },
  {
    what: "inputs that other machines could ask for",
    settings: { ops: { host: "0.0.0.0" }, development: { keepInputs: 10 } },
    says: "development.keepInputs",
  },
  {
    what: "inputs that other machines send",
    settings: { listen: { host: "0.0.0.0", plaintext: true }, development: { keepInputs: 10 } },
    says: "development.keepInputs",
  },
  {
    what: "a candidate from nowhere",
    settings: { bundle: { ...fine.bundle, shadow: {} } },
    says: "bundle.shadow.path (COUNTERSIGN_BUNDLE_SHADOW_PATH): is missing, and there is no url; set one of them",
  },
  {
    what: "a candidate at a path that names no rule",
    settings: { bundle: { ...fine.bundle, shadow: { path: "next", compatPath: "/" } } },
    says: "bundle.shadow.compatPath (COUNTERSIGN_BUNDLE_SHADOW_COMPAT_PATH): names no rule; give it as the plugin had it",
  },
  {
    what: "a candidate of ours beside one of ours, said twice",
    settings: { bundle: { ...fine.bundle, shadow: { path: "next", native: true } } },
    says: "bundle.shadow.native (COUNTERSIGN_BUNDLE_SHADOW_NATIVE): is set without policy.compat.path",
  },
  {
    what: "a candidate of both kinds",
    settings: {
      policy: { compat: { path: "a/b" } },
      bundle: { ...fine.bundle, shadow: { path: "next", native: true, compatPath: "a/c" } },
    },
    says: "bundle.shadow.native (COUNTERSIGN_BUNDLE_SHADOW_NATIVE): and compatPath are both set; set one of them",
  },
  {
    what: "checks in plain text beyond loopback",
    settings: { listen: { host: "0.0.0.0" } },
    says: "listen.host (COUNTERSIGN_LISTEN_HOST): is not loopback and there is no TLS; set listen.certPath",
  },
  {
    what: "a certificate without its key",
    settings: { listen: { certPath: "c.pem" } },
    says: "listen.certPath (COUNTERSIGN_LISTEN_CERT_PATH): and listen.keyPath belong together; set both or none",
  },
  {
    what: "enforcers asked for certificates without TLS",
    settings: { listen: { clientCaPath: "ca.pem" } },
    says: "listen.clientCaPath (COUNTERSIGN_LISTEN_CLIENT_CA_PATH): asks enforcers for certificates, which needs TLS",
  },
  {
    what: "redemptions in plain text beyond loopback",
    settings: { redemption: { address: "approval.internal:9201" } },
    says: "redemption.address (COUNTERSIGN_REDEMPTION_ADDRESS): is not loopback and there is no TLS; set redemption.tls",
  },
  {
    what: "an address that only begins like loopback",
    settings: { redemption: { address: "127.0.0.1.example.com:9201" } },
    says: "redemption.address (COUNTERSIGN_REDEMPTION_ADDRESS): is not loopback",
  },
  {
    what: "half a client certificate",
    settings: { redemption: { address: "a:1", tls: true, certPath: "c.pem" } },
    says: "redemption.certPath (COUNTERSIGN_REDEMPTION_CERT_PATH): and redemption.keyPath belong together",
  },
  {
    what: "certificates for redemptions while TLS is off",
    settings: { redemption: { address: "localhost:1", ...tls } },
    says: "redemption.tls (COUNTERSIGN_REDEMPTION_TLS): is off although certificates are given; switch it on",
  },
  {
    what: "nothing to prove who asks for a use",
    settings: {},
    env: {},
    says: `redemption.serviceToken (${TOKEN}): is missing and there is no certPath`,
  },
  {
    what: "a state relay that nobody knows",
    settings: { state: { trustedKeys: {} } },
    says: "state.trustedKeys (COUNTERSIGN_STATE_TRUSTED_KEYS): is empty, so no grant could be trusted; name the relay's key",
  },
  {
    what: "an approval service at a port that is not said",
    settings: { redemption: { address: "localhost" } },
    says: "redemption.address (COUNTERSIGN_REDEMPTION_ADDRESS): is not host:port; write a name or an address",
  },
  {
    what: "requesters sent to no address",
    settings: { denials: { requestUrl: "javascript:alert(1)" } },
    says: "denials.requestUrl (COUNTERSIGN_DENIALS_REQUEST_URL): is not an http(s) URL; correct it",
  },
  {
    what: "a password that every requester would be shown",
    settings: { denials: { requestUrl: "https://u:hunter2@approvals.example/v1/requests" } },
    says: "denials.requestUrl (COUNTERSIGN_DENIALS_REQUEST_URL): may not hold a user name or password; remove them",
  },
  {
    what: "one port for checks and operators",
    settings: { ops: { port: 9191 } },
    says: "ops.port (COUNTERSIGN_OPS_PORT): is that of listen.port too; give each its own",
  },
  {
    what: "one port for both APIs",
    settings: { api: { baseUrl: "https://pdp.example", grpcPort: 9193 } },
    says: "api.grpcPort (COUNTERSIGN_API_GRPC_PORT): is that of api.httpPort too; give each its own",
  },
  {
    what: "a policy whose denials are allowed, without saying unsafe",
    settings: { policy: { compat: { path: "envoy/authz/allow", dryRun: true } } },
    says: "policy.compat.dryRun (COUNTERSIGN_POLICY_COMPAT_DRY_RUN): ",
  },
  {
    what: "a policy whose faults may open a door, without saying unsafe",
    settings: { policy: { compat: { path: "envoy/authz/allow", onError: "grpc_error" } } },
    says: "policy.compat.onError (COUNTERSIGN_POLICY_COMPAT_ON_ERROR): ",
  },
];

test.each([...unsafe, ...unsafeInBoth(fine, secrets)])("refused is $what", async ({ settings, env, says }) => {
  const text = await refusal({ ...fine, ...settings }, env);
  expect(text).toContain(says);
  expect(text).not.toMatch(/h[uü]nter2/);
});
