/**
 * The log of a process: JSON lines on standard output. Secrets are removed by name wherever they stand up to two levels deep, and free text
 * is cut, so that a careless call cannot leak a token or flood a collector. JSON escapes line breaks, so one call is one line.
 * NB: this is the second wall. The first is that nobody hands a token, a body or a header map to the log.
 */
import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Logger;

export type LogLevel = "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";

/** Longest free text of one field, in UTF-16 units; what is longer is cut and marked. */
const MAX_TEXT = 1024;

const SECRET_NAMES = [
  "authorization",
  "Authorization",
  "proxy-authorization",
  "cookie",
  "Cookie",
  "set-cookie",
  "token",
  "access_token",
  "accessToken",
  "id_token",
  "refresh_token",
  "binding_token",
  "bindingToken",
  "client_secret",
  "clientSecret",
  "password",
  "secret",
  "privateKey",
  "private_key",
  "connectionString",
  "body",
];

const SECRET_PATHS = SECRET_NAMES.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);

/** Creates the log of one process; `name` tells processes apart in one collector. `destination` is standard output unless given. */
export function createLog(options: {
  readonly name: string;
  readonly instance?: string;
  readonly level?: LogLevel;
  readonly destination?: DestinationStream;
}): Log {
  const { name, instance, level = "info", destination } = options;
  const settings = {
    name,
    level,
    base: instance === undefined ? {} : { instance },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRET_PATHS, censor: "[redacted]" },
    formatters: { level: (label: string) => ({ level: label }), log: cutTexts },
  };
  return destination === undefined ? pino(settings) : pino(settings, destination);
}

function cutTexts(record: Record<string, unknown>): Record<string, unknown> {
  const cut: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record)) {
    cut[key] = typeof value === "string" && value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
  }
  return cut;
}
