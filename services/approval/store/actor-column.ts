/** One account of an actor chain, in JSON columns. */
import { Type } from "typebox";

export const ActorColumn = Type.Object({ issuer: Type.String(), id: Type.String() }, { additionalProperties: false });
