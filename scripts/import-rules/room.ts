/**
 * Which room of the house a file stands in, from its path alone. The rules are written over rooms.
 */

export type Room =
  | { readonly kind: "domain" | "platform" | "gen" | "console" | "cli" | "scripts" | "sample" | "test" | "outside" }
  /** messages, policy, identity. */
  | { readonly kind: "core"; readonly name: string }
  | { readonly kind: "enforcer"; readonly name: string }
  | { readonly kind: "service"; readonly service: string; readonly part: ServicePart };

/** "main" is every program of a service (see `programs`) and the folder main/, its parts; "config" is config.ts and config/, its sections. An adapter is a folder of a service, or a file of that name beside main.ts. */
type ServicePart =
  | { readonly kind: "main" | "config" | "ports" | "pure" }
  | { readonly kind: "adapter"; readonly name: string };

export function roomOf(path: string): Room {
  const [top, second, third = ""] = path.split("/");
  if (top === "core") return second === "domain" ? { kind: "domain" } : { kind: "core", name: second ?? "" };
  if (top === "proto") return { kind: "gen" };
  if (top === "enforcers") return { kind: "enforcer", name: second ?? "" };
  if (top === "services") return { kind: "service", service: second ?? "", part: partOf(third, path) };
  switch (top) {
    case "platform":
    case "console":
    case "cli":
    case "scripts":
    case "sample":
    case "test":
      return { kind: top };
    default:
      return { kind: "outside" };
  }
}

/**
 * The files of a service that are started and never imported: the service itself, and what runs once and ends. Only they see
 * configuration and adapters together, so that nothing else has to.
 */
const programs = ["main", "migrate", "write-config-schema"];

function partOf(name: string, path: string): ServicePart {
  const file = name.replace(/(\.test)?\.ts$/, "");
  if (path.endsWith("/ports.ts")) return { kind: "ports" };
  if (file === "evaluate" || file === "commands") return { kind: "pure" };
  if (programs.includes(file)) return { kind: "main" };
  if (file === "config") return { kind: file };
  return { kind: "adapter", name: file };
}

/** Unit tests and what only they use stand beside the file that they test. */
export function isTestFile(path: string): boolean {
  return path.endsWith(".test.ts");
}
