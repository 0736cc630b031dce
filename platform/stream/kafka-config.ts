/**
 * The `kafka` section of every service: its schema, its unsafe combinations, and the settings it stands for. One place, so that two services
 * cannot differ in how they reach the same brokers.
 */
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { type Static, Type } from "typebox";
import type { ConfigFault } from "../config/fault.ts";
import { FilePath } from "../config/files.ts";
import { readAuthorities } from "../config/pem-files.ts";
import { ReloadRefused } from "../lifecycle/reload.ts";
import type { KafkaSettings } from "./kafka-settings.ts";

export const KafkaSchema = Type.Object(
  {
    brokers: Type.Array(Type.String({ pattern: "^(?:\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+):[0-9]{1,5}$" }), {
      minItems: 1,
      description: "host:port of some brokers; they name the others.",
      "x-env-variable": "KAFKA_BROKERS",
    }),
    client: Type.Optional(
      Type.Union([Type.Literal("platformatic"), Type.Literal("kafkajs")], {
        description: "Kafka client library: platformatic (default) or kafkajs. Both pass the same tests.",
      }),
    ),
    tls: Type.Boolean({ default: false, description: "Encrypt, and verify the brokers' certificates." }),
    caPath: FilePath("CA certificates (PEM), instead of the system's roots."),
    certPath: FilePath("Client certificate."),
    keyPath: FilePath("Its private key."),
    saslMechanism: Type.Optional(
      Type.Union([Type.Literal("plain"), Type.Literal("scram-sha-256"), Type.Literal("scram-sha-512")], {
        description: "SASL mechanism; needs user name and password.",
      }),
    ),
    saslUsername: Type.Optional(Type.String({ minLength: 1, description: "User name at the brokers." })),
    saslPassword: Type.Optional(
      Type.String({ minLength: 1, "x-secret": true, description: "Password at the brokers." }),
    ),
  },
  { additionalProperties: false },
);

export type KafkaConfig = Static<typeof KafkaSchema>;

/** What must not stand together; `key` is the path of the section. */
export function kafkaFaults(kafka: KafkaConfig, key: string): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  const fault = (name: string, problem: string) => faults.push({ key: `${key}.${name}`, variable: undefined, problem });
  if (!kafka.tls && (kafka.certPath ?? kafka.keyPath ?? kafka.caPath) !== undefined) {
    fault("tls", "is off although certificates are given; switch it on");
  }
  if ((kafka.certPath === undefined) !== (kafka.keyPath === undefined)) {
    fault("certPath", `and ${key}.keyPath belong together; set both or none`);
  }
  const sasl = ["saslMechanism", "saslUsername", "saslPassword"] as const;
  const unset = sasl.filter((name) => kafka[name] === undefined);
  if (unset.length < sasl.length) {
    for (const name of unset) fault(name, `is missing; set all of ${sasl.join(", ")}, or none`);
  }
  if (kafka.saslMechanism === "plain" && !kafka.tls && !kafka.brokers.every(isLoopback)) {
    fault(
      "saslMechanism",
      "would send the password in clear text beyond loopback; switch tls on, or use scram-sha-512",
    );
  }
  return faults;
}

function isLoopback(broker: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\]):/.test(broker);
}

/** Keys that a running service takes anew (`exchanged`). */
export const KAFKA_RELOADED = ["caPath", "certPath", "keyPath", "saslMechanism", "saslUsername", "saslPassword"].map(
  (name) => `kafka.${name}`,
);

/** Reads the certificates. Rejects when one cannot be read, or a key is of another certificate. `clientId` shows in broker logs and quotas. */
export async function kafkaSettings(kafka: KafkaConfig, clientId: string): Promise<KafkaSettings> {
  const { saslMechanism: mechanism, saslUsername: username, saslPassword: password } = kafka;
  const tls = {
    ...(kafka.caPath === undefined ? {} : { ca: await readAuthorities(kafka.caPath) }),
    ...(kafka.certPath === undefined ? {} : { cert: await readFile(kafka.certPath, "utf8") }),
    ...(kafka.keyPath === undefined ? {} : { key: await readFile(kafka.keyPath, "utf8") }),
  };
  if (kafka.tls) checkTls(tls);
  const sasl =
    mechanism && username !== undefined && password !== undefined ? { mechanism, username, password } : undefined;
  return {
    brokers: kafka.brokers,
    clientId,
    ...(kafka.tls ? { tls } : {}),
    ...(sasl === undefined ? {} : { sasl }),
  };
}

/** Asked before each connection is made, so that later ones can have other certificates. */
export type SettingsNow = () => KafkaSettings;

export function settingsNow(settings: KafkaSettings | SettingsNow): SettingsNow {
  return typeof settings === "function" ? settings : () => settings;
}

/** `before` with the certificates and credentials of `next`, for connections from now on. @throws ReloadRefused */
export function exchanged(before: KafkaSettings, { brokers, tls, sasl }: KafkaSettings): KafkaSettings {
  const { tls: tlsBefore, sasl: saslBefore, ...rest } = before;
  // NB: credentials of other brokers would go to those that are connected, by rules that were asked about the others.
  if (brokers.join() !== before.brokers.join())
    throw new ReloadRefused("kafka.brokers: to change them needs a restart");
  if ((tls === undefined) !== (tlsBefore === undefined) || (sasl === undefined) !== (saslBefore === undefined))
    throw new ReloadRefused("kafka: to switch TLS, or user and password, on or off needs a restart");
  return { ...rest, ...(tls === undefined ? {} : { tls }), ...(sasl === undefined ? {} : { sasl }) };
}

/** @throws what would show only as every connection refused */
function checkTls({ ca, cert, key }: NonNullable<KafkaSettings["tls"]>): void {
  createSecureContext({ ca, cert, key });
}
