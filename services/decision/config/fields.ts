/** What the sections of this configuration are made of. */
import { Type } from "typebox";

export const closed = { additionalProperties: false } as const;
export const Text = (description: string) => Type.String({ minLength: 1, description });
export const Path = (description: string) => Type.Optional(Text(description));
export const Port = (port: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 65_535, default: port, description });
export const Plaintext = Type.Boolean({
  default: false,
  description: "Allow plain text beyond loopback (a mesh encrypts).",
});
