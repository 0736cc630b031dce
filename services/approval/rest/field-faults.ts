/**
 * What is wrong with a request, by place: a JSON pointer (RFC 6901) into the body, or below `/querystring`, `/params` or `/headers`. It names
 * places, never values; a name that the client made up is truncated.
 */
import type { FastifyError } from "fastify";
import { merged } from "../../../platform/schema-faults.ts";
import type { FieldFault } from "./problem.ts";

const MAX_FAULTS = 20;
const MAX_NAME = 64;

/** The faults of a validation by the schemas; empty for any other error. */
export function faultsOf({ validation = [], validationContext = "body" }: FastifyError): readonly FieldFault[] {
  const base = validationContext === "body" ? "" : `/${validationContext}`;
  return merged(validation)
    .flatMap(({ instancePath, message = "is not of the schema", params }): FieldFault[] => {
      const place = `${base}${instancePath}`;
      const { additionalProperties: unknown, requiredProperties: missing } = params;
      if (Array.isArray(unknown)) return named(place, unknown, "is not known here");
      if (Array.isArray(missing)) return named(place, missing, "is missing");
      return [{ pointer: place, detail: message }];
    })
    .slice(0, MAX_FAULTS);
}

/** From a detail that begins with its place, such as `/narrowing/duration is not …`. */
export function faultIn(detail: string): readonly FieldFault[] {
  const [, pointer, rest] = /^(\/\S+) (.+)$/s.exec(detail) ?? [];
  return pointer === undefined || rest === undefined ? [] : [{ pointer, detail: rest }];
}

function named(place: string, names: readonly unknown[], detail: string): FieldFault[] {
  return names
    .slice(0, MAX_FAULTS)
    .map((name) => ({ pointer: `${place}/${escaped(String(name).slice(0, MAX_NAME).toWellFormed())}`, detail }));
}

function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
