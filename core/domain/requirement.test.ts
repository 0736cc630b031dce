import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isSatisfied, mayFillASlot, type Requirement, type Reviewer, requirementFault } from "./requirement.ts";

const group = (name: string): Requirement => ({ kind: "one_from", set: { kind: "group", realm: "corp", group: name } });
const person = (id: string, ...groups: string[]): Reviewer => ({ person: { realm: "corp", id }, groups });

describe("requirement", () => {
  test("one person in two groups does not fill two slots", () => {
    const both: Requirement = { kind: "all_of", of: [group("managers"), group("security")] };
    expect(isSatisfied(both, [person("max", "managers", "security")])).toBe(false);
    expect(isSatisfied(both, [person("max", "managers", "security"), person("sam", "security")])).toBe(true);
  });

  test("the same person twice is one person", () => {
    const two: Requirement = { kind: "n_of", n: 2, of: [group("managers"), group("managers")] };
    expect(isSatisfied(two, [person("max", "managers"), person("max", "managers")])).toBe(false);
  });

  test("who came first does not block who came later: people are matched to slots", () => {
    const both: Requirement = { kind: "all_of", of: [group("managers"), group("security")] };
    expect(isSatisfied(both, [person("ann", "managers", "security"), person("bob", "managers")])).toBe(true);
  });

  test("a group of another realm fills nothing", () => {
    const outsider: Reviewer = { person: { realm: "partner", id: "max" }, groups: ["managers"] };
    expect(isSatisfied(group("managers"), [outsider])).toBe(false);
    expect(mayFillASlot(group("managers"), outsider)).toBe(false);
  });

  test("nobody satisfies anything", () => {
    expect(isSatisfied({ kind: "any_of", of: [group("a"), group("b")] }, [])).toBe(false);
  });

  test.each<[string, Requirement]>([
    ["empty", { kind: "all_of", of: [] }],
    ["empty", { kind: "any_of", of: [group("a"), { kind: "all_of", of: [] }] }],
    ["n_out_of_range", { kind: "n_of", n: 0, of: [group("a")] }],
    ["n_out_of_range", { kind: "n_of", n: 2, of: [group("a")] }],
    ["n_out_of_range", { kind: "n_of", n: 1.5, of: [group("a"), group("b")] }],
    ["too_large", { kind: "all_of", of: Array.from({ length: 17 }, () => group("a")) }],
    [
      "too_deep",
      Array.from({ length: 9 }).reduce<Requirement>((inner) => ({ kind: "any_of", of: [inner] }), group("a")),
    ],
  ])("%s is refused", (fault, requirement) => {
    expect(requirementFault(requirement)).toBe(fault);
  });

  test("agrees with trying every assignment of people to the slots of an all_of", () => {
    const names = fc.constantFrom("a", "b", "c");
    fc.assert(
      fc.property(
        fc.array(names, { minLength: 1, maxLength: 4 }),
        fc.array(fc.uniqueArray(names), { maxLength: 5 }),
        (slots, groupsOf) => {
          const people = groupsOf.map((groups, index) => person(`p${index}`, ...groups));
          const requirement: Requirement = { kind: "all_of", of: slots.map(group) };
          const assign = (slot: number, used: ReadonlySet<number>): boolean =>
            slot === slots.length ||
            people.some(
              (one, index) =>
                !used.has(index) &&
                one.groups.includes(slots[slot] ?? "") &&
                assign(slot + 1, new Set([...used, index])),
            );
          expect(isSatisfied(requirement, people)).toBe(assign(0, new Set()));
        },
      ),
    );
  });
});
