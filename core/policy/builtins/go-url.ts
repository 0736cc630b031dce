/**
 * URLs as Go's net/url parses them, for built-ins that answer with their parts. Neither the WHATWG parser nor a regular
 * expression gives the same: Go keeps dot segments and case, refuses ports that are no digits, and decodes byte by byte.
 */
import ipaddr from "ipaddr.js";
import { BuiltinError } from "../builtin.ts";
import { bytesOfText } from "../rego-value/bytes.ts";
import { unescapePercent } from "../go-query.ts";

export type GoUrl = {
  readonly scheme: string;
  /** Of `scheme:opaque`, where no slash follows the colon. */
  readonly opaque: string;
  readonly user: string | undefined;
  readonly host: string;
  /** A scheme and a rooted path without `//`. */
  readonly omitHost: boolean;
  readonly path: string;
  /** The path as written, when it is not what `path` would be escaped to. */
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly forceQuery: boolean;
  readonly fragment: string;
  readonly rawFragment: string;
};

const EMPTY = {
  opaque: "",
  user: undefined,
  host: "",
  omitHost: false,
  path: "",
  rawPath: "",
  fragment: "",
  rawFragment: "",
};

/** @throws BuiltinError when Go would refuse it */
export function parseGoUrl(text: string): GoUrl {
  const [beforeFragment, rawFragment] = cut(text, "#");
  const url = withoutFragment(beforeFragment);
  if (rawFragment === "") return url;
  const fragment = unescape(rawFragment);
  const same = escapeBytes(fragment, FRAGMENT) === rawFragment;
  return { ...url, fragment, rawFragment: same ? "" : rawFragment };
}

function withoutFragment(text: string): GoUrl {
  if (/[\u0000-\u001f\u007f]/.test(text)) throw new BuiltinError("invalid control character in URL");
  if (text === "*") return { ...EMPTY, scheme: "", rawQuery: "", forceQuery: false, path: "*" };
  if (text.startsWith(":")) throw new BuiltinError("missing protocol scheme");
  const schemeEnd = /^[A-Za-z][A-Za-z0-9+.-]*:/.exec(text)?.[0].length ?? 0;
  const scheme = text.slice(0, Math.max(schemeEnd - 1, 0)).toLowerCase();
  const afterScheme = text.slice(schemeEnd);
  const forceQuery = afterScheme.indexOf("?") === afterScheme.length - 1 && afterScheme.endsWith("?");
  const [hierarchy, rawQuery] = cut(afterScheme, "?");
  const common = { ...EMPTY, scheme, rawQuery, forceQuery };
  if (!hierarchy.startsWith("/")) {
    if (scheme !== "") return { ...common, opaque: hierarchy };
    if (cut(hierarchy, "/")[0].includes(":")) throw new BuiltinError("first path segment in URL cannot contain colon");
  }
  const hasAuthority = hierarchy.startsWith("//") && (scheme !== "" || !hierarchy.startsWith("///"));
  if (!hasAuthority) return { ...common, omitHost: scheme !== "", ...pathOf(hierarchy) };
  const slash = hierarchy.indexOf("/", 2);
  const authority = slash < 0 ? hierarchy.slice(2) : hierarchy.slice(2, slash);
  return { ...common, ...authorityOf(scheme, authority), ...pathOf(slash < 0 ? "" : hierarchy.slice(slash)) };
}

function pathOf(raw: string): { readonly path: string; readonly rawPath: string } {
  const path = unescape(raw);
  return { path, rawPath: escapeBytes(path, PATH) === raw ? "" : raw };
}

function authorityOf(scheme: string, text: string): { readonly user: string | undefined; readonly host: string } {
  const at = text.lastIndexOf("@");
  const host = hostOf(scheme, text.slice(at + 1));
  if (at < 0) return { user: undefined, host };
  const user = text.slice(0, at);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) throw new BuiltinError("invalid userinfo");
  unescape(user);
  return { user, host };
}

function hostOf(scheme: string, host: string): string {
  const bracket = host.lastIndexOf("[");
  if (bracket > 0) throw new BuiltinError("invalid IP-literal");
  if (bracket === 0) return literalOf(host);
  const colon = scheme === "http" || scheme === "https" ? host.indexOf(":") : host.lastIndexOf(":");
  if (colon >= 0 && !PORT.test(host.slice(colon))) throw new BuiltinError("invalid port after host");
  return unescapeHost(host);
}

const PORT = /^(?::\d*)?$/;

/** `[fe80::1%25en0]:80`: only an IPv6 address may stand in brackets; a zone follows `%25`. */
function literalOf(host: string): string {
  const end = host.lastIndexOf("]");
  if (end < 0) throw new BuiltinError("missing ']' in host");
  if (!PORT.test(host.slice(end + 1))) throw new BuiltinError("invalid port after host");
  const inside = host.slice(1, end);
  const zone = inside.indexOf("%25");
  const name = zone < 0 ? unescapeHost(inside) : unescapeHost(inside.slice(0, zone)) + unescape(inside.slice(zone));
  if (!ipaddr.IPv6.isValid(name)) throw new BuiltinError("invalid host");
  return `[${name}]${host.slice(end + 1)}`;
}

const HOST_CHARACTERS = /^[A-Za-z0-9!$&'()*+,;=:[\]<>"\-_.~%\u0080-\u{10ffff}]*$/u;

/** A host may escape only what is not ASCII. */
function unescapeHost(host: string): string {
  if (!HOST_CHARACTERS.test(host)) throw new BuiltinError("invalid character in host name");
  if (/%[0-7]/.test(host.replaceAll("%25", ""))) throw new BuiltinError("invalid URL escape in host");
  return unescape(host);
}

function unescape(text: string): string {
  const decoded = unescapePercent(text, false);
  if (decoded.kind === "bad_escape") throw new BuiltinError(`invalid URL escape ${JSON.stringify(decoded.escape)}`);
  return decoded.text;
}

const PATH = /[A-Za-z0-9\-_.~$&+,/:;=@]/;
const FRAGMENT = /[A-Za-z0-9\-_.~$&+,/:;=?@!()*]/;
const HOST = /[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]/;

function escapeBytes(text: string, kept: RegExp): string {
  let escaped = "";
  for (const byte of bytesOfText(text)) {
    const char = String.fromCharCode(byte);
    escaped += kept.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return escaped;
}

const VALID_RAW_PATH = /^[A-Za-z0-9\-_.~$&+,/:;=@!'()*[\]%]*$/;

/** The path as it goes on the wire. */
export function escapedPath({ path, rawPath }: GoUrl): string {
  return rawPath !== "" && VALID_RAW_PATH.test(rawPath) ? rawPath : path === "*" ? "*" : escapeBytes(path, PATH);
}

/** Host without port and brackets, and the port, when it is all digits. */
export function hostAndPort({ host }: GoUrl): { readonly hostname: string; readonly port: string } {
  const colon = host.lastIndexOf(":");
  const hasPort = colon >= 0 && PORT.test(host.slice(colon));
  const name = hasPort ? host.slice(0, colon) : host;
  const isLiteral = name.startsWith("[") && name.endsWith("]");
  return { hostname: isLiteral ? name.slice(1, -1) : name, port: hasPort ? host.slice(colon + 1) : "" };
}

/** As Go's URL.String writes it. */
export function goUrlText(url: GoUrl): string {
  const scheme = url.scheme === "" ? "" : `${url.scheme}:`;
  const query = url.forceQuery || url.rawQuery !== "" ? `?${url.rawQuery}` : "";
  const fragment = url.fragment === "" ? "" : `#${url.rawFragment || escapeBytes(url.fragment, FRAGMENT)}`;
  if (url.opaque !== "") return `${scheme}${url.opaque}${query}${fragment}`;
  const user = url.user === undefined ? "" : `${url.user}@`;
  const isOmitted = url.host === "" && url.user === undefined && (url.omitHost || url.scheme + url.path === "");
  const hasAuthority = !isOmitted && (url.scheme !== "" || url.host !== "" || url.user !== undefined);
  const authority = hasAuthority ? `//${user}${escapeBytes(url.host, HOST)}` : "";
  return `${scheme}${authority}${escapedPath(url)}${query}${fragment}`;
}

function cut(text: string, separator: string): readonly [before: string, after: string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}
