/**
 * The log of a process: JSON lines on standard output. Each line is an event with a name (`event`), one place in the program that writes it, and
 * a count: `onEvent` hears of it whatever level is written. Secrets are removed by name up to two levels deep, and free text is truncated, so
 * that a careless call cannot leak a token or flood a collector. JSON escapes line breaks, so one call is one line. NB: this is the second wall.
 * The first is that nobody hands a token, a body or a header map to the log.
 */
import { type DestinationStream, type LogFn, type Logger, pino } from "pino";
import { shownError } from "./shown-error.ts";
import { standardOutput } from "./standard-output.ts";

export type Log = Logger;

export type LogLevel = "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";

/** Longest free text of one field, in UTF-16 units; what is longer is cut and marked. */
const MAX_TEXT = 1024;

/** From this level on a line does not wait for the end of the turn: the process may not reach it. */
const HURRIED = levelNumber("warn");

/** How deep secrets are looked for below the record's own fields. */
const LEVELS_BELOW = 2;
const CENSOR = "[redacted]";
const SECRET_NAMES = new Set([
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
]);

/** Told of every event, also of those that the level leaves out. */
export type OnEvent = (event: string, level: string) => void;

/** Creates the log of one process; `name` tells processes apart in one collector. `destination` is standard output unless given. */
export function createLog(options: {
  readonly name: string;
  readonly instance?: string;
  readonly level?: LogLevel;
  readonly destination?: DestinationStream;
  readonly onEvent?: OnEvent;
}): Log {
  const { name, instance, level = "info", onEvent = () => {} } = options;
  const output = options.destination === undefined ? standardOutput(tellLost) : undefined;
  const threshold = levelNumber(level);
  const settings = {
    name,
    level: "trace", // or pino would call nobody for what is not written
    hooks: {
      logMethod(this: Log, args: Parameters<LogFn>, method: LogFn, at: number) {
        onEvent(eventOf(args[0]), this.levels.labels[at] ?? "unknown");
        if (at >= threshold) method.apply(this, args);
        if (at >= HURRIED) output?.hurry();
      },
    },
    serializers: { err: shownError },
    base: instance === undefined ? {} : { instance },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: shownRecord },
  };
  const log: Log = pino(settings, options.destination ?? output);
  function tellLost(lines: number): void {
    log.error(
      { event: "log_lines_lost", lines },
      "log lines were dropped because the reader of standard output is too slow",
    );
  }
  const { child } = log;
  // Inherited by children of children.
  return Object.assign(log, {
    child(this: Log, ...[bindings, more]: Parameters<Log["child"]>) {
      return child.call(this, withoutSecrets(bindings), more);
    },
  });
}

function levelNumber(level: LogLevel): number {
  return level === "silent" ? Number.POSITIVE_INFINITY : (pino.levels.values[level] ?? 0);
}

function eventOf(record: unknown): string {
  const event = typeof record === "object" && record !== null && "event" in record ? record.event : undefined;
  return typeof event === "string" ? event : "unnamed";
}

/** What may be written of a record. NB: not by pino's own `redact`: with names at any place of two levels it costs more than all the rest of a line. */
function shownRecord(record: Record<string, unknown>): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record)) {
    if (SECRET_NAMES.has(key)) shown[key] = CENSOR;
    else if (typeof value === "string") shown[key] = value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
    else shown[key] = key === "err" ? value : censored(value, LEVELS_BELOW);
  }
  return shown;
}

function withoutSecrets(record: object, levelsBelow = LEVELS_BELOW): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record)) {
    shown[key] = SECRET_NAMES.has(key) ? CENSOR : censored(value, levelsBelow);
  }
  return shown;
}

/** What writes itself (a time, an address) is no record. */
function censored(value: unknown, levels: number): unknown {
  if (levels === 0 || typeof value !== "object" || value === null || "toJSON" in value) return value;
  return Array.isArray(value)
    ? value.map((one: unknown) => censored(one, levels - 1))
    : withoutSecrets(value, levels - 1);
}
