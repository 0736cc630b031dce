/**
 * Inputs that a decision service kept (`development.keepInputs`), or that an author wrote, one JSON document per line: either a record
 * `{"decision_id", "time", "input"}` or the bare input document, whose time is its `context.time`, or the time of the request in a document of
 * opa-envoy-plugin (`attributes.request.time`).
 */
import { AppError } from "../../domain/app-error.ts";
import { parseRfc3339 } from "../../domain/time.ts";
import { parseValue } from "../rego-value/parse.ts";
import { RegoNumber, RegoObject, type RegoValue } from "../rego-value/value.ts";
import { writeJson } from "../rego-value/write.ts";

export type RecordedInput = {
  /** The decision id, or the line it stands on. */
  readonly name: string;
  /** All digits as they were recorded. */
  readonly json: string;
  readonly nowNs: bigint;
};

/** Empty lines are passed over. @throws AppError invalid_argument that names the line */
export function recordedInputs(text: string): readonly RecordedInput[] {
  return text.split("\n").flatMap((line, at) => (line.trim() === "" ? [] : [recordedInput(line, `line ${at + 1}`)]));
}

/** @throws AppError invalid_argument */
export function recordedInput(text: string, where: string): RecordedInput {
  const document = documentOf(text, where);
  const input = document.get("input");
  if (!(input instanceof RegoObject)) {
    return { name: where, json: writeJson(document), nowNs: momentOf(timeIn(document), where) };
  }
  const id = document.get("decision_id");
  return {
    name: typeof id === "string" ? id : where,
    json: writeJson(input),
    nowNs: momentOf(document.get("time") ?? timeIn(input), where),
  };
}

function documentOf(text: string, where: string): RegoObject {
  let value: RegoValue;
  try {
    value = parseValue(text, "json");
  } catch (error) {
    throw new AppError("invalid_argument", `${where}: not JSON`, { cause: error });
  }
  if (!(value instanceof RegoObject)) throw new AppError("invalid_argument", `${where}: not an object`);
  return value;
}

function timeIn(input: RegoObject): RegoValue | undefined {
  return at(input, "context", "time") ?? at(input, "attributes", "request", "time");
}

function at(value: RegoValue | undefined, ...path: readonly string[]): RegoValue | undefined {
  return path.reduce((found, name) => (found instanceof RegoObject ? found.get(name) : undefined), value);
}

/** `time`: RFC 3339, or the seconds and nanoseconds of a protobuf Timestamp, as the plugin writes it. */
function momentOf(time: RegoValue | undefined, where: string): bigint {
  const seconds = at(time, "seconds");
  if (seconds instanceof RegoNumber && /^\d{1,12}$/.test(seconds.text)) {
    const nanos = at(time, "nanos");
    const rest = nanos instanceof RegoNumber && /^\d{1,9}$/.test(nanos.text) ? nanos.text : 0;
    return BigInt(seconds.text) * 1_000_000_000n + BigInt(rest);
  }
  if (typeof time !== "string") {
    throw new AppError(
      "invalid_argument",
      `${where}: no moment; it needs a time, or context.time in the input (RFC 3339)`,
    );
  }
  try {
    return BigInt(parseRfc3339(time)) * 1_000_000n;
  } catch (error) {
    throw new AppError("invalid_argument", `${where}: the time is not RFC 3339`, { cause: error });
  }
}
