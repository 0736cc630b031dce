/**
 * Strict JSON for tokens, without the freedoms that let two readers of one text see different things: duplicate names, invalid UTF-8, lone
 * surrogates (they all hash alike once encoded), numbers beyond a double, and nesting that only serves to exhaust a stack. Objects have no
 * prototype, since `__proto__` and `constructor` are ordinary claim names.
 */
import type { Json } from "../domain/subject.ts";

const MAX_DEPTH = 32;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export type JsonObject = { readonly [name: string]: Json };

/** The JSON object in these bytes, or undefined when they hold anything else or are not strict. */
export function parseStrictObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = utf8.decode(bytes);
    const value: unknown = JSON.parse(text);
    const members = { count: 0 };
    if (!isStrict(value, 0, members) || !isObject(value)) return undefined;
    // JSON.parse keeps the last of two equal names, so fewer members than colons outside strings means that one was lost.
    return members.count === colonsOutsideStrings(text) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Of what JSON.parse gave. Takes the prototypes away where it stands: a copy costs three times as much, and claims are remembered by the thousand. */
function isStrict(value: unknown, depth: number, members: { count: number }): value is Json {
  if (depth > MAX_DEPTH) return false;
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every((item: unknown) => isStrict(item, depth + 1, members));
  const names = Object.keys(value);
  members.count += names.length;
  Object.setPrototypeOf(value, null);
  return (
    names.every((name) => name.isWellFormed()) &&
    Object.values(value).every((member: unknown) => isStrict(member, depth + 1, members))
  );
}

/** Of a text that JSON.parse has accepted. Scans by hand: a pattern would need a stack as deep as the longest string. */
function colonsOutsideStrings(text: string): number {
  let colons = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === 0x22) inString = !inString;
    else if (inString && char === 0x5c) at += 1;
    else if (!inString && char === 0x3a) colons += 1;
  }
  return colons;
}
