/** A configuration of the decision service that is fine, for tests to spread what is not over it. */
import { DecisionConfigSchema, PREFIX, unsafeTogether } from "../../services/decision/config.ts";
import { createConfigStart } from "../harness/config-start.ts";

export const issuer = {
  issuer: "https://login.example.com",
  audience: ["orders"],
  algorithms: ["RS256"],
  jwks_uri: "https://login.example.com/jwks.json",
};
export const fine = {
  deployment: "test",
  listen: {},
  bundle: { path: "bundle", trustedKeys: { "policy-1": "policy.pem" } },
  identity: { issuers: [issuer] },
  signing: { kid: "decision-1", keyPath: "key.pem" },
  state: { trustedKeys: { "approval-1": "approval.pem" } },
  kafka: { brokers: ["kafka:9092"] },
  redemption: { address: "127.0.0.1:9201" },
  decisionLog: { folder: "log" },
};
export const TOKEN = "COUNTERSIGN_REDEMPTION_SERVICE_TOKEN";
export const secrets = { [TOKEN]: "a token of sixteen and more" };

export const tls = { certPath: "c.pem", keyPath: "k.pem" };

export const { start, refusal } = createConfigStart(
  { schema: DecisionConfigSchema, prefix: PREFIX, rules: unsafeTogether },
  secrets,
);
