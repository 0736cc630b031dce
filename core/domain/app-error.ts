/**
 * The project's one error class: a fault, something unexpected that ends the operation. Expected outcomes are unions on `kind`, never errors.
 * Each edge has one table from `code` to a gRPC status or a problem+json; a code that is not in the table becomes an opaque 500 or a denial.
 */

type AppErrorCode =
  | "invalid_argument" // a value from outside has the wrong shape
  | "invalid_record" // a message or stored row cannot be understood
  | "invalid_configuration"
  | "invalid_bundle" // a policy bundle cannot be activated
  | "policy_fault" // Rego evaluation trapped, or its result is not of the contract
  | "unauthenticated"
  | "conflict" // a concurrent writer was faster; the caller may read again
  | "unavailable" // a dependency does not answer; retry later
  | "overloaded"
  | "internal";

export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: AppErrorCode;
  /** Safe to show to the caller: never contains a token, a body, a secret or SQL. */
  readonly detail: string;

  constructor(code: AppErrorCode, detail: string, options?: { cause?: unknown }) {
    super(`${code}: ${detail}`, options);
    this.code = code;
    this.detail = detail;
  }
}

/** Ends a switch over a closed union: `throw unreachable(x satisfies never)`. Edges turn it into a deny or an opaque 500. */
export function unreachable(value: never): AppError {
  return new AppError("internal", `a case that cannot happen: ${String(value)}`);
}
