/**
 * Who tells the story: each step has a title, and each thing that is looked at is told with what was expected and what was
 * seen. The first thing that is not as expected ends it: nothing after it would mean anything.
 */
import { isDeepStrictEqual } from "node:util";

export interface Teller {
  step(number: number, title: string): void;
  /** @throws WrongSight when the two differ. */
  see(what: string, expected: unknown, seen: unknown): void;
  /** Of what was measured: less than that. @throws WrongSight */
  below(what: string, limit: number, measured: number): void;
  note(text: string): void;
}

export class WrongSight extends Error {
  override readonly name = "WrongSight";
}

export function createTeller(write: (line: string) => void): Teller {
  let title = "";
  function tell(what: string, isAsExpected: boolean, expected: string, seen: string): void {
    if (isAsExpected) {
      write(`   ok     ${what}: ${seen}`);
      return;
    }
    write(`   WRONG  ${what}\n          expected ${expected}\n          seen     ${seen}`);
    throw new WrongSight(`step ${title}: ${what}: expected ${expected}, seen ${seen}`);
  }
  return {
    step(number, what) {
      title = `${number}. ${what}`;
      write(`\n${title}`);
    },
    see: (what, expected, seen) => tell(what, isDeepStrictEqual(expected, seen), shown(expected), shown(seen)),
    below: (what, limit, measured) => tell(what, measured < limit, `less than ${limit}`, shown(Math.floor(measured))),
    note: (text) => write(`          ${text}`),
  };
}

/** For reading, not for parsing: `status 403, outcome needs_approval`; a list as `a, b`. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(shown).join(", ");
  if (value === null) return "none";
  if (typeof value === "string") return value;
  if (typeof value !== "object") return JSON.stringify(value) ?? "nothing";
  return Object.entries(value)
    .map(([name, member]) => `${name.replaceAll("_", " ")} ${isNested(member) ? `(${shown(member)})` : shown(member)}`)
    .join(", ");
}

function isNested(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
