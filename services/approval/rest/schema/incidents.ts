/** Incidents: opening, closing and showing them. */
import { type Static, Type } from "typebox";
import { SEVERITIES } from "../../../../core/domain/severity.ts";
import { closed, Name, Nullable, paging, Time, Uuid } from "./words.ts";

const Severity = Type.Enum([...SEVERITIES]);

export const OpenIncidentBody = Type.Object(
  {
    severity: Severity,
    scope: Type.String({
      ...Name,
      description: "What it touches, in words that your policies know: `*`, `orders`, `order/42`.",
    }),
    title: Type.String({ minLength: 1, maxLength: 512, description: "For people: no policy sees it." }),
  },
  { ...closed, examples: [{ severity: "high", scope: "orders", title: "Orders are sent twice" }] },
);

export const IncidentsQuery = Type.Object(
  {
    state: Type.Optional(Type.Enum(["open", "closed", "all"], { description: "Open ones unless given." })),
    ...paging,
  },
  closed,
);

export const IncidentShown = Type.Object(
  {
    id: Uuid,
    state: Type.Union([Type.Literal("open"), Type.Literal("closed")]),
    severity: Severity,
    scope: Type.String(),
    title: Type.String(),
    opened_at: Time,
    closed_at: Nullable(Time),
  },
  { ...closed, $id: "Incident" },
);

/** By name, so that the document describes it once; server.ts adds what this refers to. */
export const IncidentRef = Type.Unsafe<Static<typeof IncidentShown>>({ $ref: "Incident#" });
