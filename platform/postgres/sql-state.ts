/** Errors that a PostgreSQL server reports for a statement, as opposed to faults of the connection and our own. */

/** The code of its answer. Undefined when it did not answer. NB: by which an answer is known is its severity, whose words are in the server's language. */
export function sqlState(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("severity" in error && "code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** What may end a session in the middle of a statement: connection, time of a transaction, resources, operator, system, internal. */
const LEFT_OPEN = /^(08|25P0[34]|53|57|58|XX)/;
/** Of class 57, but what was cancelled is undone. */
const CANCELLED = "57014";

/** It answered, nothing of the statement has happened, and its session goes on. Otherwise it is open what became of both. */
export function isUndone(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && (state === CANCELLED || !LEFT_OPEN.test(state));
}

/** Of program limits (54000): which routines say that an entry is too large for an index. NB: the words are in the server's language. */
const FORMS_ENTRIES = /^(GinFormTuple|_bt_check_third_page|index_form_tuple)/;

/** What the statement would store is too large for an index, at each try. NB: other program limits pass, such as a full queue of notifications. */
export function isTooLargeForIndex(error: unknown): boolean {
  return (
    sqlState(error) === "54000" &&
    typeof error === "object" &&
    error !== null &&
    "routine" in error &&
    typeof error.routine === "string" &&
    FORMS_ENTRIES.test(error.routine)
  );
}

/** Of this named constraint or index. */
export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return (
    sqlState(error) === "23505" &&
    typeof error === "object" &&
    error !== null &&
    "constraint" in error &&
    error.constraint === constraint
  );
}
