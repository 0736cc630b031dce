/** What the OpenAPI document says beside the routes: title, the bearer token, and the answers that every route may give. */
import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import { ProblemRef } from "./schema.ts";

export const DOCUMENT: NonNullable<FastifyDynamicSwaggerOptions["openapi"]> = {
  openapi: "3.1.0",
  info: {
    title: "Countersign approval service",
    description:
      "Submit a denial, review a request, use and revoke a grant, read the record. Errors are problem+json; their codes are in docs/problems.md.",
    version: "1",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  components: {
    securitySchemes: { token: { type: "http", scheme: "bearer", description: "A token of a configured issuer." } },
  },
  security: [{ token: [] }],
};

const WITH_BODY = { 413: ProblemRef, 415: ProblemRef };
const ANYWHERE = { 400: ProblemRef, 401: ProblemRef, 500: ProblemRef, 503: ProblemRef };

/** Adds to every operation the problems that authentication, validation and the database can cause. */
export const documentTransform: NonNullable<FastifyDynamicSwaggerOptions["transform"]> = ({ schema, url }) => ({
  schema: {
    ...schema,
    response: {
      ...ANYWHERE,
      ...(schema.body === undefined ? {} : WITH_BODY),
      ...(isObject(schema.response) ? schema.response : {}),
    },
  },
  url,
});

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
