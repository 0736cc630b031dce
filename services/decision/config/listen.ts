/** Section `listen`: where ext_authz is served. */
import { type Static, Type } from "typebox";
import { unsafe } from "../../../platform/config/fault.ts";
import { FilePath } from "../../../platform/config/files.ts";
import type { Rule } from "../../../platform/config/rules.ts";
import { isLoopback, pairFaults } from "../../../platform/config/tls-rules.ts";
import { closed, Plaintext, Port } from "../../../platform/config/fields.ts";

export const ListenSchema = Type.Object(
  {
    host: Type.String({ default: "127.0.0.1", description: "Address on which ext_authz is served." }),
    port: Port(9191),
    certPath: FilePath("Certificate chain; enables TLS."),
    keyPath: FilePath("Private key of the certificate."),
    clientCaPath: FilePath("CA certificates; if set, enforcers must present a certificate from one of these."),
    plaintext: Plaintext,
    maxMessageBytes: Type.Integer({
      minimum: 65_536,
      maximum: 16_777_216,
      default: 1_048_576,
      description: "Largest check request; set it above the enforcer's body limit.",
    }),
    maxInFlight: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 512,
      description: "Concurrent checks; more are rejected.",
    }),
    deadlineMs: Type.Integer({ minimum: 50, maximum: 30_000, default: 450, description: "Deadline of one check." }),
  },
  closed,
);

export type ListenConfig = Static<typeof ListenSchema>;

export const listenRules: readonly Rule<ListenConfig>[] = [
  (listen) => pairFaults("listen", listen),
  ({ clientCaPath, certPath }) => {
    if (clientCaPath === undefined || certPath !== undefined) return [];
    const problem = "asks enforcers for certificates, which needs TLS; set listen.certPath and listen.keyPath";
    return [unsafe("listen.clientCaPath", problem)];
  },
  ({ certPath, host, plaintext }) => {
    if (certPath !== undefined || isLoopback(host) || plaintext) return [];
    const choice = "set listen.certPath, or listen.plaintext if a mesh encrypts";
    return [unsafe("listen.host", `is not loopback and there is no TLS; ${choice}`)];
  },
];
