/**
 * What a logged decision says about when and from where an account usually calls; the hour is UTC, as are the days that are counted. Only enforced
 * allows count: a question does nothing, and a denied caller may not be who they claim to be. Calls by an agent for somebody (`act`) do not count
 * either: they are not that person's habits.
 */
import ipaddr from "ipaddr.js";
import type { Sighting } from "../../../core/domain/profile.ts";
import { parseRfc3339 } from "../../../core/domain/time.ts";
import type { DecisionLogRecord } from "../../../core/messages/decision-record.ts";
import { unmapped } from "../../../platform/http/unmapped.ts";

/** The log truncates longer names, and a truncated name identifies nobody. */
const LONGEST_NAME = 1024;

/** @throws AppError invalid_argument when the time is none */
export function sightingOf(record: DecisionLogRecord): Sighting | undefined {
  if (record.kind !== "decision" || record.outcome !== "allow" || record.mode !== "enforce") return undefined;
  const { subject, source_address: address, country = "", time } = record;
  if (subject === null || subject.actors.length > 0) return undefined;
  if (subject.issuer.length > LONGEST_NAME || subject.id.length > LONGEST_NAME) return undefined;
  const at = parseRfc3339(time);
  const network = address === null ? "" : networkOf(address);
  return { issuer: subject.issuer, subject: subject.id, hour: new Date(at).getUTCHours(), network, country, at };
}

/** The /24 of an IPv4 address, the /48 of an IPv6 one; an IPv4 address inside IPv6 is the former. Empty for what is none. */
export function networkOf(address: string): string {
  const [withoutZone = ""] = address.split("%");
  const text = unmapped(withoutZone);
  if (ipaddr.IPv4.isValidFourPartDecimal(text))
    return `${ipaddr.IPv4.networkAddressFromCIDR(`${text}/24`).toString()}/24`;
  if (!ipaddr.IPv6.isValid(text)) return "";
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${text}/48`).toString()}/48`;
}
