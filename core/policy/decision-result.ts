/**
 * From the decision entrypoint's value to a verdict. Only what is fully understood becomes allow, deny or elevate; everything else is a fault,
 * which the domain turns into a denial: an unknown key, a wrong type, too many elevations (`policy_result_invalid`), two packages that set one
 * response key differently (`policy_conflict`), required context that is missing (`context_unavailable`), more to show reviewers than fits
 * (`display_too_large`).
 */
import { Compile } from "typebox/compile";
import { AppError, unreachable } from "../domain/app-error.ts";
import type { PolicyFault, Verdict } from "../domain/decision.ts";
import { compareText, ELEVATION_DEFAULTS, type Elevation, MAX_ELEVATIONS } from "../domain/elevation.ts";
import { parseDuration } from "../domain/time.ts";
import { plainOf } from "./rego-value/plain.ts";
import type { RegoValue } from "./rego-value/value.ts";
import { mergeResponses } from "./response-fields.ts";
import { DecisionResult, type ElevationWire } from "./schema/result.ts";

const schema = Compile(DecisionResult);
/** Of an elevation. NB: more is refused and never cut, since nobody can approve what they are not shown whole. */
const MAX_DISPLAY_LINES = 64;
/** Of all of its lines together, in UTF-8. */
const MAX_DISPLAY_BYTES = 4096;

export function fault(reason: PolicyFault, detail: string): Extract<Verdict, { kind: "fault" }> {
  return { kind: "fault", reason, detail };
}

/** Never throws. `undefined` is an undefined result, which is a fault and not a "no". */
export function verdictOf(value: RegoValue | undefined): Verdict {
  if (value === undefined) return fault("policy_result_invalid", "the decision is undefined");
  try {
    return translate(value);
  } catch (error) {
    return fault("policy_result_invalid", error instanceof AppError ? error.detail : "the result is not readable");
  }
}

function translate(value: RegoValue): Verdict {
  const result = plainOf(value);
  if (!schema.Check(result)) return fault("policy_result_invalid", schemaFault(schema.Errors(result)));
  if (result.malformed.length > 0) {
    return fault("policy_result_invalid", `not a set of rules in: ${result.malformed.join(", ")}`);
  }
  const response = mergeResponses(result.responses);
  if (response.kind !== "merged") return fault(response.reason, response.detail);
  if (result.context_missing.length > 0 && result.outcome !== "deny") {
    return fault("context_unavailable", `missing or stale: ${result.context_missing.join(", ")}`);
  }
  switch (result.outcome) {
    case "deny":
      if (result.reasons.length === 0) return fault("policy_result_invalid", "a deny without a reason");
      return { kind: "deny", reasons: result.reasons, response: response.fields };
    case "no_rule_matched":
      return { kind: "deny", reasons: [], response: response.fields };
    case "allow":
      if (result.reasons.length === 0) return fault("policy_result_invalid", "an allow without a reason");
      return { kind: "allow", reasons: result.reasons, response: response.fields };
    case "elevate": {
      if (result.elevations.length > MAX_ELEVATIONS) return fault("policy_result_invalid", "too many elevations");
      const tooLarge = result.elevations.map(displayFault).find((detail) => detail !== undefined);
      if (tooLarge !== undefined) return fault("display_too_large", tooLarge);
      const [first, ...rest] = result.elevations.map(elevationOf).sort(inOrder);
      if (first === undefined) return fault("policy_result_invalid", "an elevate without an elevation");
      return { kind: "elevate", elevations: [first, ...rest], response: response.fields };
    }
    default:
      throw unreachable(result.outcome satisfies never);
  }
}

function inOrder(a: Elevation, b: Elevation): number {
  return compareText(a.entitlement, b.entitlement) || compareText(a.scope, b.scope) || compareText(a.title, b.title);
}

function elevationOf(wire: ElevationWire): Elevation {
  const maxDuration = parseDuration(wire.max_duration);
  if (maxDuration === undefined) throw new AppError("policy_fault", "max_duration is out of range");
  const display = wire.display ?? [];
  return {
    entitlement: wire.entitlement,
    scope: wire.scope,
    title: wire.title,
    display: display.map(({ label, value }) => ({ label, value })),
    approversHint: wire.approvers_hint,
    risk: wire.risk ?? ELEVATION_DEFAULTS.risk,
    binding: wire.binding ?? ELEVATION_DEFAULTS.binding,
    bindHeaders: [...new Set(wire.bind_headers)].sort(compareText),
    maxUses: wire.max_uses ?? ELEVATION_DEFAULTS.maxUses,
    maxDuration,
    justification: {
      required: wire.justification?.required ?? ELEVATION_DEFAULTS.justification.required,
      minLength: wire.justification?.min_length ?? ELEVATION_DEFAULTS.justification.minLength,
    },
  };
}

/** What its author has to mend, if it has too much to show; names the elevation, and nothing of what it shows. */
function displayFault({ entitlement, display = [] }: ElevationWire): string | undefined {
  const bytes = display.reduce((sum, { label, value }) => sum + Buffer.byteLength(label) + Buffer.byteLength(value), 0);
  if (display.length <= MAX_DISPLAY_LINES && bytes <= MAX_DISPLAY_BYTES) return undefined;
  const most = `at most ${MAX_DISPLAY_LINES} lines and ${MAX_DISPLAY_BYTES} bytes`;
  const named = JSON.stringify(entitlement.slice(0, 64));
  return `the display of elevation ${named} has ${display.length} lines and ${bytes} bytes; shorten it to ${most}`;
}

/** The first place that is wrong, by path; never the value, which may come from a request. */
export function schemaFault(errors: readonly { readonly instancePath: string; readonly message: string }[]): string {
  const first = errors[0];
  return first === undefined ? "does not match the contract" : `${first.instancePath || "result"} ${first.message}`;
}
