/**
 * Rule 11: rooms within rooms. What stands in one imports, of all that is ours, itself and what is named here; unit tests in it are free to have
 * more.
 */
import { isTestFile } from "./room.ts";

type InnerRoom = {
  /** With the slash at its end. */
  readonly folder: string;
  /** Files, or folders with the slash at their end. */
  readonly may: readonly string[];
  readonly reason: string;
};

const INNER_ROOMS: readonly InnerRoom[] = [
  {
    folder: "core/policy/rego-value/",
    may: ["core/domain/"],
    reason: "a value of Rego knows nobody who uses it",
  },
  {
    folder: "core/policy/builtins/",
    may: ["core/domain/", "core/policy/rego-value/"].concat(
      ["asks.ts", "builtin.ts", "go-query.ts", "without-ends.ts"].map((file) => `core/policy/${file}`),
    ),
    reason: "a built-in takes values and gives one, and knows neither modules nor the host that calls it",
  },
  {
    folder: "sample/one-machine/",
    may: ["core/", "platform/", "scripts/bundle-packages/programs.ts"],
    reason: "the set of one machine starts programs and imports none, nor what plays with it",
  },
];

/** Why not; undefined where it may. */
export function barredFromInnerRoom(from: string, target: string): string | undefined {
  const room = INNER_ROOMS.find(({ folder }) => from.startsWith(folder));
  if (room === undefined || isTestFile(from)) return undefined;
  return [room.folder, ...room.may].some((place) => target.startsWith(place)) ? undefined : room.reason;
}
