/**
 * The log of a process: JSON lines on standard output. Each line is an event that has a name (`event`), one place in the program that
 * writes it, and a count: `onEvent` hears of it whatever the level that is written. Secrets are removed by name wherever they stand up to two levels deep, and free text
 * is cut, so that a careless call cannot leak a token or flood a collector. JSON escapes line breaks, so one call is one line.
 * NB: this is the second wall. The first is that nobody hands a token, a body or a header map to the log.
 */
import { type DestinationStream, type LogFn, type Logger, pino } from "pino";
import { shownError } from "./shown-error.ts";

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

/** Told of every event from `info` up, also of those that the level leaves out. */
export type OnEvent = (event: string, level: string) => void;

/** Creates the log of one process; `name` tells processes apart in one collector. `destination` is standard output unless given. */
export function createLog(options: {
  readonly name: string;
  readonly instance?: string;
  readonly level?: LogLevel;
  readonly destination?: DestinationStream;
  readonly onEvent?: OnEvent;
}): Log {
  const { name, instance, level = "info", destination, onEvent = () => {} } = options;
  const threshold = levelNumber(level);
  const settings = {
    name,
    level: threshold > levelNumber("info") ? "info" : level,
    hooks: {
      logMethod(this: Log, args: Parameters<LogFn>, method: LogFn, at: number) {
        onEvent(eventOf(args[0]), this.levels.labels[at] ?? "unknown");
        if (at >= threshold) method.apply(this, args);
      },
    },
    serializers: { err: shownError },
    base: instance === undefined ? {} : { instance },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRET_PATHS, censor: "[redacted]" },
    formatters: { level: (label: string) => ({ level: label }), log: cutTexts },
  };
  return destination === undefined ? pino(settings) : pino(settings, destination);
}

function levelNumber(level: LogLevel): number {
  return level === "silent" ? Number.POSITIVE_INFINITY : (pino.levels.values[level] ?? 0);
}

function eventOf(record: unknown): string {
  const event = typeof record === "object" && record !== null && "event" in record ? record.event : undefined;
  return typeof event === "string" ? event : "unnamed";
}

function cutTexts(record: Record<string, unknown>): Record<string, unknown> {
  const cut: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record)) {
    cut[key] = typeof value === "string" && value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
  }
  return cut;
}
