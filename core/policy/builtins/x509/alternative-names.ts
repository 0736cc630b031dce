/** Subject alternative names, of certificates and of requests. A name that is malformed spoils the whole. */
import { BuiltinError } from "../../builtin.ts";
import { textOfBytes } from "../../rego-value/bytes.ts";
import type { RegoObject, RegoValue } from "../../rego-value/value.ts";
import { type GoUrl, goUrlText, parseGoUrl } from "../go-url.ts";
import { DerReader } from "./der.ts";
import { ipText, listOrNull, object } from "./go-json.ts";

export type AlternativeNames = {
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  readonly ips: readonly Uint8Array[];
  readonly uris: readonly GoUrl[];
};

export const NO_NAMES: AlternativeNames = { dns: [], emails: [], ips: [], uris: [] };

export function alternativeNamesOf(value: Uint8Array): AlternativeNames {
  const names = { dns: Array<string>(), emails: Array<string>(), ips: Array<Uint8Array>(), uris: Array<GoUrl>() };
  const reader = new DerReader(value).sequence();
  while (!reader.isEmpty) {
    const { tag, body } = reader.any();
    if (tag === 0x81) names.emails.push(asciiOf(body));
    if (tag === 0x82) names.dns.push(asciiOf(body));
    if (tag === 0x86) names.uris.push(uriOf(asciiOf(body)));
    if (tag === 0x87) {
      if (body.length !== 4 && body.length !== 16) throw new BuiltinError("cannot parse IP address");
      names.ips.push(body);
    }
  }
  return names;
}

export function asciiOf(bytes: Uint8Array): string {
  if (bytes.some((byte) => byte > 0x7f)) throw new BuiltinError("a name is not ASCII");
  return textOfBytes(bytes);
}

function uriOf(text: string): GoUrl {
  const url = parseGoUrl(text);
  if (url.host !== "" && !isDomain(url.host, false)) throw new BuiltinError("invalid domain in a URI");
  return url;
}

/** A leading dot (constraints) stands for one or more labels. */
export function isDomain(domain: string, isConstraint: boolean): boolean {
  const name = isConstraint && domain.startsWith(".") ? domain.slice(1) : domain;
  if (isConstraint && name === "") return true;
  return name !== "" && !name.endsWith(".") && name.split(".").every((label) => /^[\u0021-\u007e]{1,63}$/.test(label));
}

/** The four members that hold them in Go's JSON; `uriStrings` only where OPA adds it. */
export function namesJson({ dns, emails, ips, uris }: AlternativeNames): Readonly<Record<string, RegoValue>> {
  return {
    DNSNames: listOrNull(dns),
    EmailAddresses: listOrNull(emails),
    IPAddresses: listOrNull(ips.map(ipText)),
    URIs: listOrNull(uris.map(urlJson)),
  };
}

export function uriStrings({ uris }: AlternativeNames): RegoValue {
  return listOrNull(uris.map(goUrlText));
}

function urlJson(url: GoUrl): RegoObject {
  return object({
    Scheme: url.scheme,
    Opaque: url.opaque,
    User: url.user === undefined ? null : object({}),
    Host: url.host,
    Path: url.path,
    RawPath: url.rawPath,
    OmitHost: url.omitHost,
    ForceQuery: url.forceQuery,
    RawQuery: url.rawQuery,
    Fragment: url.fragment,
    RawFragment: url.rawFragment,
  });
}
