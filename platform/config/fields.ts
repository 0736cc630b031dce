/** Building blocks of configuration schemas. */
import { Type } from "typebox";

export const closed = { additionalProperties: false } as const;
export const Text = (description: string) => Type.String({ minLength: 1, description });
export const Path = (description: string) => Type.Optional(Text(description));
export const Port = (port: number) =>
  Type.Integer({ minimum: 0, maximum: 65_535, default: port, description: "Port; 0: any free one." });
export const Plaintext = Type.Boolean({
  default: false,
  description: "Allow plain text beyond loopback (a mesh encrypts).",
});

/** The first keys of every program: who it is and what it says. */
export const processKeys = (program: string) => ({
  instance: Type.String({
    default: program,
    pattern: "^[A-Za-z0-9._-]{1,64}$",
    description: "Name of this process.",
  }),
  logLevel: Type.Union([Type.Literal("info"), Type.Literal("warn"), Type.Literal("error"), Type.Literal("debug")], {
    default: "info",
    description: "Least severe level that is logged. No level shows tokens or bodies.",
  }),
});

/** Section `ops` of every program. */
export const OpsSchema = (port: number) =>
  Type.Object(
    {
      host: Type.String({
        default: "127.0.0.1",
        description: "Operators' port: /healthz, /readyz, /metrics; no TLS, no authentication: keep it inside.",
      }),
      port: Port(port),
    },
    closed,
  );
