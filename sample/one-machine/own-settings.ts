/**
 * What a team puts in place of the sample: its upstream, its identity provider, its policies. One YAML file with a section for each program, in the
 * keys of production (docs/config.md); what the set decides by itself, such as ports, keys and the stream, cannot be set there.
 */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { CannotStart } from "../../platform/lifecycle/cannot-start.ts";

type Section = Readonly<Record<string, unknown>>;
export type OwnSettings = { readonly gateway: Section; readonly decision: Section; readonly approval: Section };

export const NO_SETTINGS: OwnSettings = { gateway: {}, decision: {}, approval: {} };

const OF_EVERY_SERVICE = ["deployment", "instance", "ops", "stream", "kafka", "signing", "redemption"];
/** Of each program, what the set decides. */
const OF_THE_SET: Readonly<Record<keyof OwnSettings, readonly string[]>> = {
  gateway: ["ops", "authorization"],
  decision: [...OF_EVERY_SERVICE, "listen", "noticeMs", "state", "decisionLog", "denials", "workers"],
  approval: [...OF_EVERY_SERVICE, "database", "decisionServices"],
};

/** @throws CannotStart naming the file and every section and key that has no place in it. The rest is for the programs to judge. */
export async function readOwnSettings(path: string): Promise<OwnSettings> {
  const refuse = (why: string) => new CannotStart(`COUNTERSIGN_SETTINGS: ${path} ${why}`);
  let value: unknown;
  try {
    value = parse(await readFile(path, "utf8"));
  } catch (error) {
    throw refuse(`cannot be read: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`);
  }
  if (!isSection(value)) throw refuse("holds no sections; it has to have gateway, decision or approval");
  const faults: string[] = [];
  const settings = { ...NO_SETTINGS };
  for (const [name, section] of Object.entries(value)) {
    if (!isProgram(name)) faults.push(`${name} is no program of the set (gateway, decision, approval)`);
    else if (!isSection(section)) faults.push(`${name} holds no keys`);
    else {
      settings[name] = section;
      const taken = OF_THE_SET[name].filter((key) => Object.hasOwn(section, key));
      if (taken.length > 0) faults.push(`${name}: ${taken.join(", ")} cannot be set, since the set decides it`);
    }
  }
  if (faults.length > 0) throw refuse(`is refused: ${faults.join("; ")}`);
  return settings;
}

/** A part of the sample that nothing asks any more is not started. */
export function isReplaced(own: OwnSettings): { readonly issuer: boolean; readonly orders: boolean } {
  return {
    issuer: own.decision["identity"] !== undefined && own.approval["identity"] !== undefined,
    orders: own.gateway["routes"] !== undefined,
  };
}

function isProgram(name: string): name is keyof OwnSettings {
  return Object.hasOwn(OF_THE_SET, name);
}

export function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
