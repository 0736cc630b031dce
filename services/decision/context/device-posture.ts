/**
 * `input.context.device`: facts about the device, from claims of the verified account and from headers that a trusted proxy writes, each named by
 * configuration. A value that is missing or ambiguous is absent: a header that comes twice says nothing.
 *
 * NB: a header is what the caller wrote, unless the proxy in front overwrites it. Claims are as trustworthy as the token.
 */
import type { Json, Subject } from "../../../core/domain/subject.ts";
import type { Evaluation } from "../ports.ts";

type DeviceSources = {
  /** Name in the input → claim or header. */
  readonly claims: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
};

/** Longest header value that is used. */
const MAX_TEXT = 1_024;

export type DevicePosture = (evaluation: Evaluation, subject: Subject | undefined) => { readonly [name: string]: Json };

/** Undefined if nothing is configured; then `device` is absent. */
export function createDevicePosture({ claims, headers }: DeviceSources): DevicePosture | undefined {
  const byClaim = Object.entries(claims);
  const byHeader = Object.entries(headers);
  if (byClaim.length + byHeader.length === 0) return undefined;
  return ({ call }, subject) => {
    const device: Record<string, Json> = Object.create(null);
    for (const [name, header] of byHeader) {
      const [value, ...more] = call.http?.headers.get(header) ?? [];
      if (value !== undefined && more.length === 0 && value.length <= MAX_TEXT) device[name] = value;
    }
    for (const [name, claim] of byClaim) {
      const value = subject !== undefined && Object.hasOwn(subject.claims, claim) ? subject.claims[claim] : undefined;
      if (value !== undefined) device[name] = value;
    }
    return device;
  };
}
