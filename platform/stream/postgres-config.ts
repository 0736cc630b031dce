/**
 * The `stream` section of a service that keeps its event stream in Postgres instead of Kafka, for one machine. The address is a secret: it
 * usually holds a password, so it comes from the environment or a file that the environment names.
 */
import { type Static, Type } from "typebox";

export const PostgresStreamSchema = Type.Object(
  {
    kind: Type.Literal("postgres", { description: "Where the event stream is kept instead of Kafka." }),
    url: Type.String({
      minLength: 1,
      "x-secret": true,
      description:
        "PostgreSQL, as postgres://user:password@host/database, beyond loopback with sslmode as DATABASE_URL has it; its user needs only the schema event_stream.",
    }),
  },
  { additionalProperties: false },
);

export type PostgresStreamConfig = Static<typeof PostgresStreamSchema>;
