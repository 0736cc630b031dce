/** The section `traces` of a configuration. Tracing is off without it, and then nothing of it is loaded. */
import { type Static, Type } from "typebox";

export const TracesSchema = Type.Object(
  {
    endpoint: Type.String({
      pattern: "^https?://[^/?#@]+(/[^?#]*)?$",
      description:
        "Collector to which spans are sent: OTLP over HTTP, with path, such as http://127.0.0.1:4318/v1/traces.",
    }),
    ratio: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 1,
      description: "Share of calls without a traceparent that are traced, 0 to 1; a traceparent decides for itself.",
    }),
  },
  { additionalProperties: false },
);

export type TracesConfig = Static<typeof TracesSchema>;
