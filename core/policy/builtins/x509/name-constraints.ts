/**
 * What a certificate authority may speak for (RFC 5280 section 4.2.1.10): reading the extension, and the question whether
 * a leaf's names keep to it. A name of a constrained kind must match something permitted and nothing excluded.
 */
import ipaddr from "ipaddr.js";
import { BuiltinError } from "../../builtin.ts";
import type { RegoValue } from "../../rego-value/value.ts";
import { hostAndPort } from "../go-url.ts";
import { type AlternativeNames, asciiOf, isDomain } from "./alternative-names.ts";
import { context, DerReader, malformed } from "./der.ts";
import { base64, ipText, listOrNull, object } from "./go-json.ts";

type Range = { readonly ip: Uint8Array; readonly mask: Uint8Array };
type Subtrees = {
  readonly dns: readonly string[];
  readonly ips: readonly Range[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
};

export type NameConstraints = { readonly permitted: Subtrees; readonly excluded: Subtrees; readonly critical: boolean };

const NOTHING: Subtrees = { dns: [], ips: [], emails: [], uris: [] };
export const NO_CONSTRAINTS: NameConstraints = { permitted: NOTHING, excluded: NOTHING, critical: false };

export function nameConstraintsOf(
  value: Uint8Array,
  critical: boolean,
): { readonly constraints: NameConstraints; readonly isHandled: boolean } {
  const reader = new DerReader(value).sequence();
  const [permitted, excluded] = [reader.optional(context(0, true)), reader.optional(context(1, true))];
  if (!reader.isEmpty || (permitted?.body.length ?? 0) + (excluded?.body.length ?? 0) === 0) throw malformed();
  const [allowed, refused] = [subtreesOf(permitted?.body), subtreesOf(excluded?.body)];
  return {
    constraints: { permitted: allowed.subtrees, excluded: refused.subtrees, critical },
    isHandled: allowed.isHandled && refused.isHandled,
  };
}

function subtreesOf(body: Uint8Array = new Uint8Array()): { readonly subtrees: Subtrees; readonly isHandled: boolean } {
  const found = { dns: Array<string>(), ips: Array<Range>(), emails: Array<string>(), uris: Array<string>() };
  let isHandled = true;
  const reader = new DerReader(body);
  while (!reader.isEmpty) {
    const base = reader.sequence().any();
    if (base.tag === 0x82) found.dns.push(domainOf(base.body));
    else if (base.tag === 0x87) found.ips.push(rangeOf(base.body));
    else if (base.tag === 0x81) found.emails.push(mailboxOf(base.body));
    else if (base.tag === 0x86) found.uris.push(uriDomainOf(base.body));
    else isHandled = false;
  }
  return { subtrees: found, isHandled };
}

function domainOf(body: Uint8Array): string {
  const domain = asciiOf(body);
  if (!isDomain(domain, true)) throw new BuiltinError("failed to parse a name constraint");
  return domain;
}

function mailboxOf(body: Uint8Array): string {
  const text = asciiOf(body);
  if (!text.includes("@")) return domainOf(body);
  if (!/^[^@\s]+@[^@\s]+$/.test(text)) throw new BuiltinError("failed to parse an rfc822Name constraint");
  return text;
}

function uriDomainOf(body: Uint8Array): string {
  if (ipaddr.isValid(asciiOf(body))) throw new BuiltinError("a URI constraint cannot be an address");
  return domainOf(body);
}

function rangeOf(body: Uint8Array): Range {
  if (body.length !== 8 && body.length !== 32) throw new BuiltinError("IP constraint of an odd length");
  const [ip, mask] = [body.subarray(0, body.length / 2), body.subarray(body.length / 2)];
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  if (!/^1*0*$/.test(bits)) throw new BuiltinError("IP constraint with an invalid mask");
  return { ip, mask };
}

export function constraintsJson({
  permitted,
  excluded,
  critical,
}: NameConstraints): Readonly<Record<string, RegoValue>> {
  const range = ({ ip, mask }: Range): RegoValue => object({ IP: ipText(ip), Mask: base64(mask) });
  return {
    PermittedDNSDomainsCritical: critical,
    PermittedDNSDomains: listOrNull(permitted.dns),
    ExcludedDNSDomains: listOrNull(excluded.dns),
    PermittedIPRanges: listOrNull(permitted.ips.map(range)),
    ExcludedIPRanges: listOrNull(excluded.ips.map(range)),
    PermittedEmailAddresses: listOrNull(permitted.emails),
    ExcludedEmailAddresses: listOrNull(excluded.emails),
    PermittedURIDomains: listOrNull(permitted.uris),
    ExcludedURIDomains: listOrNull(excluded.uris),
  };
}

/** As many as `keepsTo` makes at most. */
export function comparisons({ permitted, excluded }: NameConstraints, names: AlternativeNames): number {
  const kinds = ["dns", "ips", "emails", "uris"] as const;
  return kinds.reduce((sum, kind) => sum + names[kind].length * (permitted[kind].length + excluded[kind].length), 0);
}

export function keepsTo({ permitted, excluded }: NameConstraints, names: AlternativeNames): boolean {
  return (
    every(names.dns, permitted.dns, excluded.dns, isInDomain) &&
    every(names.ips, permitted.ips, excluded.ips, isInRange) &&
    every(names.emails, permitted.emails, excluded.emails, isMailbox) &&
    every(
      names.uris.map((url) => hostAndPort(url).hostname),
      permitted.uris,
      excluded.uris,
      (host, domain) => host !== "" && !ipaddr.isValid(host) && isInUriDomain(host, domain),
    )
  );
}

function every<Name, Base>(
  names: readonly Name[],
  permitted: readonly Base[],
  excluded: readonly Base[],
  covers: (name: Name, base: Base) => boolean,
): boolean {
  const isPermitted = (name: Name): boolean => permitted.length === 0 || permitted.some((base) => covers(name, base));
  return names.every((name) => isPermitted(name) && !excluded.some((base) => covers(name, base)));
}

/** `example.com` and all below it; with a leading dot only what is below. */
function isInDomain(name: string, base: string): boolean {
  const [lower, domain] = [name.toLowerCase(), base.toLowerCase()];
  if (domain === "" || (!domain.startsWith(".") && lower === domain)) return true;
  return lower.endsWith(domain.startsWith(".") ? domain : `.${domain}`);
}

/** Without a leading dot exactly that host. */
function isInUriDomain(name: string, base: string): boolean {
  return base.startsWith(".") || base === "" ? isInDomain(name, base) : name.toLowerCase() === base.toLowerCase();
}

function isMailbox(address: string, base: string): boolean {
  const at = address.lastIndexOf("@");
  if (!base.includes("@")) return isInUriDomain(address.slice(at + 1), base);
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  const baseAt = base.lastIndexOf("@");
  return local === base.slice(0, baseAt) && domain.toLowerCase() === base.slice(baseAt + 1).toLowerCase();
}

function isInRange(ip: Uint8Array, range: Range): boolean {
  if (ip.length !== range.ip.length) return false;
  return ip.every((byte, at) => (byte & (range.mask[at] ?? 0)) === ((range.ip[at] ?? 0) & (range.mask[at] ?? 0)));
}
