/**
 * Import rules 1–9 of the architecture, and 11, as one question: may this file import that target? The answer is undefined, or
 * the number of the broken rule with its reason. Rule 10 (cycles, barrels, folder names) needs the whole tree: structure.ts.
 */
import { barredFromInnerRoom } from "./inner-rooms.ts";
import { isTestFile, type Room, roomOf } from "./room.ts";
import type { Import } from "./source-file.ts";

export type Target =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "package"; readonly name: string };
export type Broken = { readonly rule: number; readonly reason: string };

/** What unit tests may import anywhere. */
const testPackages = ["@jest/globals", "fast-check"];

export function broken(from: string, found: Import, target: Target): Broken | undefined {
  const reason = target.kind === "file" ? barredFromInnerRoom(from, target.path) : undefined;
  if (reason !== undefined) return { rule: 11, reason };
  const room = roomOf(from);
  if (room.kind === "test" || room.kind === "sample" || room.kind === "gen" || room.kind === "outside") {
    return target.kind === "file" && room.kind === "gen" && roomOf(target.path).kind !== "gen"
      ? { rule: 7, reason: "generated code imports generated code and npm" }
      : undefined;
  }
  // A unit test may use the test tools and whatever test/harness starts for it; apart from that it obeys its room.
  if (isTestFile(from)) {
    if (target.kind === "package" && testPackages.includes(target.name)) return undefined;
    if (target.kind === "file" && roomOf(target.path).kind === "test") return undefined;
    if (target.kind === "package" && room.kind !== "domain") return undefined;
  }
  if (target.kind === "package") return brokenPackage(room, target.name);
  return brokenFile(from, room, found, target.path, roomOf(target.path));
}

function brokenPackage(room: Room, name: string): Broken | undefined {
  if (room.kind === "domain") return { rule: 1, reason: `the domain imports only the domain, not ${name}` };
  if (room.kind !== "service") return undefined;
  if (room.part.kind === "pure") return { rule: 2, reason: `imports core/domain and its own ports.ts, not ${name}` };
  if (room.part.kind === "ports") return { rule: 4, reason: `ports speak the domain's words, not those of ${name}` };
  return undefined;
}

function brokenFile(from: string, room: Room, found: Import, path: string, target: Room): Broken | undefined {
  if (target.kind === "test" || target.kind === "sample") {
    return { rule: 9, reason: "nothing imports test or sample" };
  }
  if (found.isReExport && target.kind === "gen") return { rule: 4, reason: "wire types are not passed on" };
  switch (room.kind) {
    case "domain":
      return target.kind === "domain" ? undefined : { rule: 1, reason: "the domain imports only the domain" };
    case "platform":
      return target.kind === "platform" ? undefined : { rule: 7, reason: "platform imports nothing of ours" };
    case "core":
      return brokenCore(room.name, target);
    case "enforcer":
      return target.kind === "gen" || target.kind === "platform" || sameRoom(room, target)
        ? undefined
        : { rule: 8, reason: "an enforcer imports proto/gen, platform and npm" };
    case "cli":
    case "scripts":
      return target.kind === room.kind || ["domain", "core", "platform"].includes(target.kind)
        ? undefined
        : { rule: 8, reason: `${room.kind} imports core and platform` };
    case "console":
      return target.kind === "console" ? undefined : { rule: 8, reason: "the console knows the REST interface only" };
    case "service":
      return brokenService(from, room, path, target);
    default:
      return undefined;
  }
}

function brokenCore(name: string, target: Room): Broken | undefined {
  if (target.kind === "domain" || target.kind === "platform") return undefined;
  if (target.kind === "core" && (target.name === name || target.name === "messages")) return undefined;
  return { rule: 7, reason: `core/${name} imports core/domain, core/messages, platform and npm` };
}

type ServiceRoom = Extract<Room, { kind: "service" }>;

function brokenService(from: string, room: ServiceRoom, path: string, target: Room): Broken | undefined {
  if (target.kind === "service" && target.service !== room.service) {
    return { rule: 6, reason: `${room.service} and ${target.service} never import each other` };
  }
  const isOwnPorts = target.kind === "service" && target.part.kind === "ports";
  switch (room.part.kind) {
    case "main":
      return undefined;
    case "pure":
      return target.kind === "domain" || isOwnPorts || testsItself(from, path)
        ? undefined
        : { rule: 2, reason: "imports core/domain and its own ports.ts, nothing else" };
    case "ports":
      return target.kind === "domain" || target.kind === "core" || isOwnPorts
        ? undefined
        : { rule: 4, reason: "ports speak the domain's words: they import core" };
    case "config":
      return target.kind === "service" && target.part.kind !== "config"
        ? { rule: 5, reason: "config.ts reads configuration and knows no part of the service" }
        : undefined;
    case "adapter":
      return brokenAdapter(room.part.name, target);
    default:
      return undefined;
  }
}

function brokenAdapter(name: string, target: Room): Broken | undefined {
  if (["domain", "core", "platform", "gen"].includes(target.kind)) return undefined;
  if (target.kind !== "service")
    return { rule: 3, reason: "an adapter imports core, ports, platform, npm and proto/gen" };
  const { part } = target;
  if (part.kind === "ports" || (part.kind === "adapter" && part.name === name)) return undefined;
  if (part.kind === "adapter") return { rule: 3, reason: `adapter ${name} imports adapter ${part.name}` };
  return {
    rule: 3,
    reason: `an adapter reaches ${part.kind === "pure" ? "the core path" : `${part.kind}.ts`} only through ports`,
  };
}

/** `x.test.ts` imports `x.ts`, in commands as well as in evaluate. */
function testsItself(from: string, path: string): boolean {
  return isTestFile(from) && from.slice(0, from.lastIndexOf("/")) === path.slice(0, path.lastIndexOf("/"));
}

function sameRoom(one: Room, other: Room): boolean {
  return one.kind === "enforcer" && other.kind === "enforcer" && one.name === other.name;
}
