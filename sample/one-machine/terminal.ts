/**
 * The short log of `npm start`: one line for each decision and each notification, coloured where a terminal shows colours.
 * The full logs are files. NB: what a request or a policy wrote goes to a terminal here, so nothing in it may steer one.
 */
import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

const OUTCOMES: ReadonlyMap<unknown, Style> = new Map<unknown, Style>([
  ["allow", "green"],
  ["needs_approval", "yellow"],
  ["deny", "red"],
]);

/** A line of the decision service's log, or undefined when it is not a decision. */
export function decisionLine(line: ReadonlyMap<string, unknown>, now: Date): string | undefined {
  if (line.get("event") !== "decision") return undefined;
  const outcome = printable(line.get("outcome"));
  const reason = printable(line.get("reason"));
  const what = `${printable(line.get("method"))} ${printable(line.get("path"))}`;
  return [
    styleText("dim", now.toTimeString().slice(0, 8)),
    styleText(OUTCOMES.get(outcome) ?? "reset", outcome.padEnd(14)),
    what.padEnd(28),
    printable(line.get("subject") ?? "nobody").padEnd(8),
    styleText("dim", `${reason === "" ? "" : `${reason}, `}${printable(line.get("ms"))} ms`),
  ].join(" ");
}

/** What approvers are told. */
export function noticeLine(notice: unknown, now: Date): string {
  const data = members(members(notice).get("data"));
  const request = members(data.get("request") ?? data.get("grant"));
  const words = [data.get("kind"), request.get("title") ?? request.get("entitlement"), request.get("scope")].map(
    (word) => printable(word),
  );
  const time = styleText("dim", now.toTimeString().slice(0, 8));
  return `${time} ${styleText("cyan", "notice".padEnd(14))} ${words.join(" · ")} ${styleText("dim", printable(request.get("id")))}`;
}

/** The last that a program said which has ended, in a line. `tail` is the end of its log: lines of JSON, and others where Node itself speaks. */
export function lastWords(tail: string): string {
  const lines = tail.split("\n").filter((line) => line.trim() !== "");
  const all = lines.map(parsed);
  const behind = lines.slice(1 + all.findLastIndex((line) => line.has("msg"))).filter((line) => !ASIDE.test(line));
  const end = behind.findLast((line) => ENDING.test(line));
  if (end !== undefined) return printable(end, LAST_WORDS);
  const told = all.filter((line) => line.has("msg"));
  const last = told.findLast((line) => WARNINGS.has(line.get("level"))) ?? told.at(-1);
  if (last === undefined) return printable(lines.at(-1) ?? "nothing", LAST_WORDS);
  const why = printable(members(last.get("err")).get("message"), LAST_WORDS);
  return [printable(last.get("msg"), LAST_WORDS), why].filter((word) => word !== "").join(": ");
}

/** What Node, its engine and the system say of an end that a program could not tell of itself. */
const ENDING =
  /^(?:Uncaught )?[A-Za-z]*Error\b|^(?:FATAL|Fatal|fatal) |^# Fatal|^node: |^Killed|^Segmentation|^Aborted/;
/** Where it was, and warnings of Node. */
const ASIDE = /^\s|^\(|^file:/;

const WARNINGS: ReadonlySet<unknown> = new Set(["warn", "error", "fatal"]);
/** Characters. */
const LAST_WORDS = 300;

function parsed(line: string): ReadonlyMap<string, unknown> {
  try {
    return members(JSON.parse(line));
  } catch {
    return new Map();
  }
}

function members(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}

function printable(value: unknown, most = 80): string {
  const text = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, most);
}
