/** The `format` keyword, as strict and as lenient as OPA's library. A format that is not known passes, as does no text. */
import ipaddr from "ipaddr.js";
import { type BuiltinCall, BuiltinError } from "../../builtin.ts";
import { parseLayout } from "../go-time-parse.ts";
import { parseGoUrl } from "../go-url.ts";
import { compile } from "../regex/compile.ts";

type Check = (text: string, call: BuiltinCall) => boolean;

/** In fuel. */
const PER_LAYOUT = 30_000;

function passes(use: () => unknown): boolean {
  try {
    use();
    return true;
  } catch {
    return false;
  }
}

function isUri(text: string, mayBeRelative: boolean): boolean {
  try {
    const url = parseGoUrl(text);
    return (mayBeRelative || url.scheme !== "") && !text.includes("\\");
  } catch (error) {
    if (error instanceof BuiltinError) return false;
    throw error;
  }
}

function hasLayout(...layouts: readonly string[]): Check {
  return (text, { pay }) =>
    layouts.some((layout) => {
      pay(PER_LAYOUT);
      return passes(() => parseLayout(layout, text));
    });
}

/** An address, with or without a name before it. */
const EMAIL = /^(?:[^<>@]*<\s*)?[^\s<>@()[\]\\,;:]+@(?:[^\s<>@()[\]\\,;:]+|\[[^\]]*\])(?:\s*>)?$/;
const LABEL = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/;
const POINTER = /^(?:\/(?:[^~/]|~0|~1)*)*$/;
const RELATIVE_POINTER = /^(?:0|[1-9][0-9]*)(?:#|(?:\/(?:[^~/]|~0|~1)*)*)$/;
const UUID = /^[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}$/i;

/** An URI whose braces are closed. */
function isTemplate(text: string): boolean {
  if (!isUri(text, true)) return false;
  const { path } = parseGoUrl(text);
  return path.lastIndexOf("{") <= path.lastIndexOf("}");
}

function isPattern(text: string, call: BuiltinCall): boolean {
  try {
    compile(text, call);
    return true;
  } catch (error) {
    if (error instanceof BuiltinError) return false;
    throw error;
  }
}

const FORMATS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["date", hasLayout("2006-01-02")],
  ["time", hasLayout("15:04:05Z07:00", "15:04:05")],
  ["date-time", hasLayout("2006-01-02T15:04:05Z07:00", "2006-01-02", "15:04:05Z07:00", "15:04:05")],
  ["hostname", (text) => text.length < 256 && text.split(".").every((label) => LABEL.test(label))],
  ["email", (text) => EMAIL.test(text)],
  ["idn-email", (text) => EMAIL.test(text)],
  ["ipv4", (text) => ipaddr.IPv4.isValidFourPartDecimal(text) || (ipaddr.IPv6.isValid(text) && text.includes("."))],
  ["ipv6", (text) => ipaddr.IPv6.isValid(text) && !text.includes("%")],
  ["uri", (text) => isUri(text, false)],
  ["iri", (text) => isUri(text, false)],
  ["uri-reference", (text) => isUri(text, true)],
  ["iri-reference", (text) => isUri(text, true)],
  ["uri-template", isTemplate],
  ["uuid", (text) => UUID.test(text)],
  ["regex", isPattern],
  ["json-pointer", (text) => POINTER.test(text)],
  ["relative-json-pointer", (text) => RELATIVE_POINTER.test(text)],
]);

export function hasFormat(format: string, text: string, call: BuiltinCall): boolean {
  return FORMATS.get(format)?.(text, call) ?? true;
}
