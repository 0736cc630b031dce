/**
 * `Content-Type` and `Content-Disposition` as Go's mime.ParseMediaType reads them, faults included: which bytes a policy
 * sees as a form field must not depend on who reads the header. RFC 2231 (`name*=UTF-8''…`, `name*0=`) is understood.
 */
type MediaType =
  | { readonly kind: "parsed"; readonly type: string; readonly parameters: ReadonlyMap<string, string> }
  | { readonly kind: "fault"; readonly message: string };

const TOKEN = /^[!#$%&'*+\-.^_`{|}~0-9A-Za-z]+/;
const SPECIALS = '()<>@,;:\\"/[]?=';

export function parseMediaType(header: string): MediaType {
  const cut = header.indexOf(";");
  const type = (cut < 0 ? header : header.slice(0, cut)).trim().toLowerCase();
  const wrong = typeFault(type);
  if (wrong !== undefined) return { kind: "fault", message: `mime: ${wrong}` };
  const given = new Map<string, string>();
  let rest = cut < 0 ? "" : header.slice(cut);
  while ((rest = rest.trimStart()) !== "") {
    const parameter = takeParameter(rest);
    if (parameter === undefined) {
      if (rest.trim() === ";") break;
      return { kind: "fault", message: "mime: invalid media parameter" };
    }
    const before = given.get(parameter.name);
    if (before !== undefined && before !== parameter.value) {
      return { kind: "fault", message: "mime: duplicate parameter name" };
    }
    given.set(parameter.name, parameter.value);
    rest = parameter.rest;
  }
  return { kind: "parsed", type, parameters: joined(given) };
}

function typeFault(type: string): string | undefined {
  const main = TOKEN.exec(type)?.[0];
  if (main === undefined) return "no media type";
  const rest = type.slice(main.length);
  if (rest === "") return undefined;
  if (!rest.startsWith("/")) return "expected slash after first token";
  const sub = TOKEN.exec(rest.slice(1))?.[0];
  if (sub === undefined) return "expected token after slash";
  return rest.length > sub.length + 1 ? "unexpected content after media subtype" : undefined;
}

type Parameter = { readonly name: string; readonly value: string; readonly rest: string };

function takeParameter(text: string): Parameter | undefined {
  if (!text.startsWith(";")) return undefined;
  const afterSemicolon = text.slice(1).trimStart();
  const name = TOKEN.exec(afterSemicolon)?.[0];
  if (name === undefined) return undefined;
  const afterName = afterSemicolon.slice(name.length).trimStart();
  if (!afterName.startsWith("=")) return undefined;
  const value = takeValue(afterName.slice(1).trimStart());
  return value === undefined ? undefined : { name: name.toLowerCase(), ...value };
}

function takeValue(text: string): { readonly value: string; readonly rest: string } | undefined {
  if (!text.startsWith('"')) {
    const value = TOKEN.exec(text)?.[0];
    return value === undefined ? undefined : { value, rest: text.slice(value.length) };
  }
  let value = "";
  for (let at = 1; at < text.length; at++) {
    const char = text.charAt(at);
    const next = text.charAt(at + 1);
    if (char === '"') return { value, rest: text.slice(at + 1) };
    if (char === "\r" || char === "\n") return undefined;
    // A browser that does not escape the backslashes of a file name: only a special after it makes it an escape.
    if (char === "\\" && next !== "" && SPECIALS.includes(next)) {
      value += next;
      at++;
    } else value += char;
  }
  return undefined;
}

/** Parameters as given, and those that came encoded or in pieces under their own names. */
function joined(given: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  const starred = new Set<string>();
  for (const [name, value] of given) {
    const star = name.indexOf("*");
    if (star < 0) parameters.set(name, value);
    else starred.add(name.slice(0, star));
  }
  for (const name of starred) {
    const whole = given.get(`${name}*`);
    const value = whole === undefined ? inPieces(name, given) : decodeExtended(whole);
    if (value !== undefined) parameters.set(name, value);
  }
  return parameters;
}

function inPieces(name: string, given: ReadonlyMap<string, string>): string | undefined {
  let value: string | undefined;
  for (let at = 0; ; at++) {
    const plain = given.get(`${name}*${at}`);
    const encoded = given.get(`${name}*${at}*`);
    if (plain === undefined && encoded === undefined) return value;
    const decoded = encoded === undefined ? undefined : at === 0 ? decodeExtended(encoded) : decodePercent(encoded);
    value = (value ?? "") + (plain ?? decoded ?? "");
  }
}

function decodeExtended(text: string): string | undefined {
  const [charset = "", , ...rest] = text.split("'");
  if (rest.length === 0 || !["us-ascii", "utf-8"].includes(charset.toLowerCase())) return undefined;
  return decodePercent(rest.join("'"));
}

/** Text is one byte per character here, before and after. */
function decodePercent(text: string): string | undefined {
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return undefined;
  return text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
