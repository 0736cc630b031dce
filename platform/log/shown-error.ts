/**
 * An error as the log shows it: its kind, message, place and cause; for errors of a server or the system also the code. NB: nothing else. Errors
 * of libraries carry what they were about: the address with its password, the row, the request.
 */

import { sqlState } from "../postgres/sql-state.ts";

type ShownError = {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  /** Of Postgres. */
  readonly constraint?: string;
  readonly stack?: string;
  readonly cause?: ShownError | string;
};

const MAX_MESSAGE = 1024;
const MAX_LINE = 200;
const MAX_STACK = 4096;
const MAX_CAUSES = 4;

/** Anything can be thrown; what is no error is named by its kind alone. */
export function shownError(error: unknown): ShownError | string {
  return shown(error, 0);
}

/** In one line, for what is no fault of this program: what it is and what it says. */
export function errorLine(error: unknown): string {
  const one = shown(error, MAX_CAUSES);
  const [line = ""] = (typeof one === "string" ? one : `${one.type}: ${one.message}`).split("\n");
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line;
}

function shown(error: unknown, depth: number): ShownError | string {
  if (!(error instanceof Error)) return `thrown: ${error === null ? "null" : typeof error}`;
  const { code, constraint } = fieldsOf(error);
  const state = sqlState(error);
  // The text of a data fault (class 22) quotes the value, and so does its stack.
  const message = state?.startsWith("22") ? "a value is refused by the database" : masked(error.message);
  const frames = error.stack?.slice(error.stack.indexOf("\n    at ")) ?? "";
  const { cause } = error;
  return {
    type: error.name,
    message: message.slice(0, MAX_MESSAGE),
    ...(typeof code === "string" || typeof code === "number" ? { code: String(code) } : {}),
    ...(state !== undefined && typeof constraint === "string" ? { constraint } : {}),
    ...(frames.startsWith("\n    at ") ? { stack: frames.slice(1, MAX_STACK) } : {}),
    ...(cause === undefined || depth >= MAX_CAUSES ? {} : { cause: shown(cause, depth + 1) }),
  };
}

/** Passwords in addresses, which may hold an @ or a slash that nobody escaped, and credentials by their scheme. */
function masked(text: string): string {
  return text.replace(/:\/\/[^\s"'<>]*@/g, "://***@").replace(/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, "$1 ***");
}

function fieldsOf(error: object): { readonly code?: unknown; readonly constraint?: unknown } {
  return error;
}
