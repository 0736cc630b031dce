/**
 * The `kafka` section that every service has: its schema, what in it is unsafe together, and the settings it stands for.
 * One place, so that two services cannot differ in how they reach the same brokers.
 */
import { readFile } from "node:fs/promises";
import { type Static, Type } from "typebox";
import type { ConfigFault } from "../config/fault.ts";
import type { KafkaSettings } from "./kafka-settings.ts";

const Path = (description: string) => Type.Optional(Type.String({ minLength: 1, description }));

export const KafkaSchema = Type.Object(
  {
    brokers: Type.Array(Type.String({ pattern: "^[^\\s,]+:\\d{1,5}$" }), {
      minItems: 1,
      description: "host:port of some brokers; the others are learnt from them.",
      "x-env-variable": "KAFKA_BROKERS",
    }),
    client: Type.Optional(
      Type.Union([Type.Literal("platformatic"), Type.Literal("kafkajs")], {
        description:
          "Library that speaks to the brokers: platformatic (default) or kafkajs. Both keep the same contract.",
      }),
    ),
    tls: Type.Boolean({ default: false, description: "Encrypt, and verify the brokers' certificates." }),
    caPath: Path("Instead of the system's roots."),
    certPath: Path("Client certificate."),
    keyPath: Path("Its private key."),
    saslMechanism: Type.Optional(
      Type.Union([Type.Literal("plain"), Type.Literal("scram-sha-256"), Type.Literal("scram-sha-512")], {
        description: "How this service proves who it is; with user name and password.",
      }),
    ),
    saslUsername: Type.Optional(Type.String({ description: "User name at the brokers." })),
    saslPassword: Type.Optional(Type.String({ "x-secret": true, description: "Password at the brokers." })),
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

/** Reads the certificates. Rejects when one of them cannot be read. `clientId` shows in broker logs and quotas. */
export async function kafkaSettings(kafka: KafkaConfig, clientId: string): Promise<KafkaSettings> {
  const { saslMechanism: mechanism, saslUsername: username, saslPassword: password } = kafka;
  const tls = {
    ...(kafka.caPath === undefined ? {} : { ca: await readFile(kafka.caPath, "utf8") }),
    ...(kafka.certPath === undefined ? {} : { cert: await readFile(kafka.certPath, "utf8") }),
    ...(kafka.keyPath === undefined ? {} : { key: await readFile(kafka.keyPath, "utf8") }),
  };
  const sasl =
    mechanism && username !== undefined && password !== undefined ? { mechanism, username, password } : undefined;
  return {
    brokers: kafka.brokers,
    clientId,
    ...(kafka.tls ? { tls } : {}),
    ...(sasl === undefined ? {} : { sasl }),
  };
}
