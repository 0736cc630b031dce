/** One account of a chain of actors, in JSON columns. */
import { Type } from "typebox";

export const ActorColumn = Type.Object({ issuer: Type.String(), id: Type.String() }, { additionalProperties: false });
