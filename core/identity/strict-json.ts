/**
 * JSON from a token, without the freedoms that let two readers of one text see two different things: duplicate names, invalid UTF-8, lone
 * surrogates (they all hash alike once encoded), numbers beyond what a double holds, and nesting that only serves to exhaust a stack.
 * Objects come out without prototype, since `__proto__` and `constructor` are ordinary claim names.
 */
import type { Json } from "../domain/subject.ts";

const MAX_DEPTH = 32;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export type JsonObject = { readonly [name: string]: Json };

/** The JSON object in these bytes, or undefined when they hold anything else or are not strict. */
export function parseStrictObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = utf8.decode(bytes);
    const parsed: unknown = JSON.parse(text);
    const members = { count: 0 };
    const value = strict(parsed, 0, members);
    // JSON.parse keeps the last of two equal names, so fewer members than colons outside strings means that one was lost.
    return isObject(value) && members.count === colonsOutsideStrings(text) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function strict(value: unknown, depth: number, members: { count: number }): Json {
  if (depth > MAX_DEPTH) throw new RangeError("nested too deep");
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return wellFormed(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new RangeError("number out of range");
    return value;
  }
  if (Array.isArray(value)) return value.map((item: unknown) => strict(item, depth + 1, members));
  if (typeof value !== "object") throw new TypeError("not JSON");
  const object: { [name: string]: Json } = Object.create(null);
  for (const [name, member] of Object.entries(value)) {
    members.count += 1;
    object[wellFormed(name)] = strict(member, depth + 1, members);
  }
  return object;
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new TypeError("lone surrogate");
  return text;
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
