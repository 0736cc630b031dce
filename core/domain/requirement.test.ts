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

  test("the ways that are tried have an end: a stored tree with more of them opens nothing by those behind it", () => {
    const names = Array.from({ length: 16 }, (_none, index) => `g${index}`);
    const half: Requirement = { kind: "n_of", n: 8, of: names.map(group) };
    const people = (among: readonly string[]) => among.map((name) => person(name, name));
    expect(requirementFault(half)).toBe("too_large");
    expect(isSatisfied(half, people(names.slice(0, 8)))).toBe(true);
    expect(isSatisfied(half, people(names.slice(8)))).toBe(false);
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
    ["too_large", { kind: "any_of", of: Array.from({ length: 17 }, () => group("a")) }],
    ["stages_inside", { kind: "all_of", of: [group("a"), { kind: "stages", of: [group("b")] }] }],
    ["stages_inside", { kind: "stages", of: [{ kind: "stages", of: [group("a")] }] }],
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

describe("a tree is refused", () => {
  const nOf = (n: number, ...of: readonly Requirement[]): Requirement => ({ kind: "n_of", n, of });
  const many = (count: number) => Array.from({ length: count }, (_none, index) => group(`g${index}`));

  test("when nobody would have to agree, at any depth", () => {
    for (const kind of ["all_of", "any_of"] as const) {
      expect(requirementFault({ kind, of: [] })).toBe("empty");
      expect(requirementFault({ kind: "all_of", of: [group("a"), { kind, of: [] }] })).toBe("empty");
    }
    expect(requirementFault(nOf(1))).toBe("empty");
  });

  test.each([0, -1, 1.5, 3, Number.NaN, Infinity])("when it asks for %p of two", (n) => {
    expect(requirementFault(nOf(n, group("a"), group("b")))).toBe("n_out_of_range");
  });

  test("when it is deeper than eight levels", () => {
    let tree = group("a");
    for (let depth = 1; depth < 8; depth += 1) tree = { kind: "any_of", of: [tree] };
    expect(requirementFault(tree)).toBeUndefined();
    expect(requirementFault({ kind: "any_of", of: [tree] })).toBe("too_deep");
  });

  test("when there are more ways to satisfy it than can be tried, and finding out is cheap", () => {
    let tree: Requirement = { kind: "any_of", of: many(16) };
    for (let depth = 0; depth < 5; depth += 1) tree = nOf(8, ...Array.from({ length: 16 }, () => tree));
    const before = performance.now();
    expect(requirementFault(tree)).toBe("too_large");
    // Counted out in full this would not end; a loose bound, since the machine may be busy.
    expect(performance.now() - before).toBeLessThan(10_000);
  }, 20_000);

  test("when it needs more than sixteen people", () => {
    expect(requirementFault({ kind: "all_of", of: many(16) })).toBeUndefined();
    expect(requirementFault({ kind: "all_of", of: [{ kind: "all_of", of: many(16) }, group("b")] })).toBe("too_large");
  });
});

test("a stored tree that asks for nobody is satisfied by nobody", () => {
  for (const empty of [
    { kind: "all_of", of: [] },
    { kind: "n_of", n: 0, of: [group("a")] },
  ] as const) {
    expect(isSatisfied(empty, [])).toBe(false);
    expect(isSatisfied(empty, [person("max", "a")])).toBe(false);
    expect(isSatisfied({ kind: "any_of", of: [group("a"), empty] }, [person("sam", "b")])).toBe(false);
  }
});
