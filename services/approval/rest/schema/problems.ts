/** Problems, as they are answered (RFC 9457) and as /v1/problems describes each. */
import { Type } from "typebox";
import { closed, Nullable, UUID, Uuid } from "./words.ts";

export const ProblemShown = Type.Object(
  {
    type: Type.String({
      description:
        "Where this service says what it means: /v1/problems/<code>. Of the Access Request profile's routes: the profile's URN, where it has one.",
    }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: "What to do." }),
    code: Type.String(),
    request_id: Type.String({ pattern: UUID, description: "Under it the log knows this call." }),
    errors: Type.Optional(
      Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }, closed), {
        description: "The fields at fault: a JSON pointer into the body, or below /querystring, /params or /headers.",
      }),
    ),
    grant_id: Type.Optional(Uuid),
  },
  { ...closed, $id: "Problem" },
);

/** One row of docs/problems.md. */
export const ProblemDocument = Type.Object(
  {
    type: Type.String(),
    code: Type.String(),
    status: Type.Integer(),
    title: Type.String(),
    detail: Type.String(),
    pointer: Nullable(Type.String()),
    retry_after_seconds: Nullable(Type.Integer()),
  },
  closed,
);

export const CodeParams = Type.Object({ code: Type.String({ pattern: "^[a-z_]{1,64}$" }) }, closed);
