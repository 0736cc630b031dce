/** What decision and approval service refuse alike, since the section is the same: who is trusted to say who somebody is, bundles, the stream. */
import type { UnsafeCase } from "../harness/config-start.ts";

const TOKEN = "COUNTERSIGN_REDEMPTION_SERVICE_TOKEN";

/** On top of a configuration and secrets that are fine. */
export function unsafeInBoth(
  { bundle, identity }: { readonly bundle: object; readonly identity: { readonly issuers: readonly object[] } },
  secrets: { readonly [name: string]: string },
): readonly UnsafeCase[] {
  const [issuer] = identity.issuers;
  return [
    {
      what: "a service token that can be guessed",
      settings: {},
      env: { ...secrets, [TOKEN]: "short" },
      says: `redemption.serviceToken (${TOKEN}): must not have fewer than 16 characters; correct it`,
    },
    {
      what: "a bundle that nobody needs to have signed",
      settings: { bundle: { ...bundle, trustedKeys: {} } },
      says: "bundle.trustedKeys (COUNTERSIGN_BUNDLE_TRUSTED_KEYS): is empty, so no bundle could be trusted; name the keys that sign them",
    },
    {
      what: "an issuer without an audience",
      settings: { identity: { issuers: [{ ...issuer, audience: [] }] } },
      says: "identity.issuers.0.audience (COUNTERSIGN_IDENTITY_ISSUERS): is empty, so a token for any audience would be accepted; name at least one audience",
    },
    {
      what: "an issuer whose audience is left out",
      settings: { identity: { issuers: [{ ...issuer, audience: undefined }] } },
      says: "identity.issuers.0.audience (COUNTERSIGN_IDENTITY_ISSUERS): is missing; set it",
    },
    {
      what: "a symmetric algorithm",
      settings: { identity: { issuers: [{ ...issuer, algorithms: ["HS256"] }] } },
      says: "identity.issuers.0.algorithms (COUNTERSIGN_IDENTITY_ISSUERS): HS256 is symmetric",
    },
    {
      what: "no signature at all",
      settings: { identity: { issuers: [{ ...issuer, algorithms: ["none"] }] } },
      says: "identity.issuers.0.algorithms (COUNTERSIGN_IDENTITY_ISSUERS): none is no signature; remove it",
    },
    {
      what: "keys fetched in plain text",
      settings: { identity: { issuers: [{ ...issuer, jwks_uri: "http://login.example.com/jwks.json" }] } },
      says: "identity.issuers.0.jwks_uri (COUNTERSIGN_IDENTITY_ISSUERS): must be https (http only on a loopback address)",
    },
    {
      what: "broker certificates while TLS is off",
      settings: { kafka: { brokers: ["kafka:9092"], caPath: "ca.pem" } },
      says: "kafka.tls (COUNTERSIGN_KAFKA_TLS): is off although certificates are given; switch it on",
    },
    {
      what: "a broker password in clear text beyond loopback",
      settings: { kafka: { brokers: ["kafka:9092"], saslMechanism: "plain", saslUsername: "u" } },
      env: { ...secrets, COUNTERSIGN_KAFKA_SASL_PASSWORD: "p" },
      says: "kafka.saslMechanism (COUNTERSIGN_KAFKA_SASL_MECHANISM): would send the password in clear text beyond loopback",
    },
    {
      what: "a broker login without its password",
      settings: { kafka: { brokers: ["kafka:9092"], saslMechanism: "scram-sha-512", saslUsername: "u" } },
      says: "kafka.saslPassword (COUNTERSIGN_KAFKA_SASL_PASSWORD): is missing",
    },
    {
      what: "a service token that no header can carry",
      settings: {},
      env: { ...secrets, [TOKEN]: "hunter2 hunter2 hünter2" },
      says: `redemption.serviceToken (${TOKEN}): holds what no header can carry; use printable ASCII characters`,
    },
    {
      what: "a bundle server's password in its address",
      settings: { bundle: { url: "https://:hunter2@bundles.example/b", keepFolder: "k", trustedKeys: { a: "a.pem" } } },
      says: "bundle.url (COUNTERSIGN_BUNDLE_URL): is no http or https address without user and fragment; correct it",
    },
    {
      what: "a bundle server's token that no header can carry",
      settings: { bundle: { url: "https://bundles.example/b", keepFolder: "k", trustedKeys: { a: "a.pem" } } },
      env: { ...secrets, COUNTERSIGN_BUNDLE_TOKEN: "hunter2\nhunter2" },
      says: "bundle.token (COUNTERSIGN_BUNDLE_TOKEN): holds what no header can carry",
    },
    {
      what: "a broker with a password in its address",
      settings: { kafka: { brokers: ["u:hunter2@kafka:9092"] } },
      says: "kafka.brokers.0 (KAFKA_BROKERS): must match pattern",
    },
    {
      what: "a broker login without a name",
      settings: { kafka: { brokers: ["kafka:9092"], saslMechanism: "scram-sha-512", saslUsername: "" } },
      env: { ...secrets, COUNTERSIGN_KAFKA_SASL_PASSWORD: "p" },
      says: "kafka.saslUsername (COUNTERSIGN_KAFKA_SASL_USERNAME): must not have fewer than 1 characters",
    },
    {
      what: "a realm that would read as another's person",
      settings: { identity: { ...identity, defaultRealm: "a/b" } },
      says: "identity.defaultRealm (COUNTERSIGN_IDENTITY_DEFAULT_REALM): must match pattern",
    },
    {
      what: "a stream at something that is no PostgreSQL",
      settings: { kafka: undefined, stream: { kind: "postgres" } },
      env: { ...secrets, COUNTERSIGN_STREAM_URL: "mysql://u:hunter2@h/d" },
      says: "stream.url (COUNTERSIGN_STREAM_URL): is not an address of PostgreSQL; write it as postgres://",
    },
    {
      what: "a stream at a PostgreSQL beyond loopback that is spoken to in plain text",
      settings: { kafka: undefined, stream: { kind: "postgres" } },
      env: { ...secrets, COUNTERSIGN_STREAM_URL: "postgres://u:hunter2@db.internal/d" },
      says: "stream.url (COUNTERSIGN_STREAM_URL): is beyond loopback and without sslmode",
    },
    {
      what: "two streams",
      settings: { stream: { kind: "postgres" } },
      env: { ...secrets, COUNTERSIGN_STREAM_URL: "postgres://h/d" },
      says: "stream: and kafka are both set; set one",
    },
    {
      what: "no stream",
      settings: { kafka: undefined },
      says: "kafka.brokers (KAFKA_BROKERS): is missing; set it, or section stream",
    },
  ];
}
