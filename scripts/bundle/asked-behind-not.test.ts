/** What is told of what a rule hands to a function with `not`, and where that closes. */
import { describe, expect, test } from "@jest/globals";
import { hasOpa } from "../../test/harness/made-bundle.ts";
import { parsedRego } from "../../test/harness/parsed-rego.ts";
import { checkPolicies } from "./check-policies.ts";

const FUNCTIONS = `package countersign.policies.wiki

_managed(device) if not device in {"own"}

_foreign(ctx) if not ctx.country in {"AT"}

_trusted if _managed(input.context.device)

_untrusted if _foreign(input.context)
`;
const told = async (...rules: readonly string[]) =>
  checkPolicies(await parsedRego([FUNCTIONS, ...rules].join("\n"))).faults.map((fault) =>
    fault.replace("0.rego: ", ""),
  );

((await hasOpa()) ? describe : describe.skip)("what is handed to a function that has `not`", () => {
  test("is told as handed, or as what the function has `not` before, with the rule that does it", async () => {
    const faults = await told(
      'deny contains "x" if _managed(input.context.device)',
      'deny contains "y" if _foreign(input.context)',
    );
    const own = faults.filter((fault) => fault.startsWith("deny "));
    expect(own).toEqual([
      expect.stringMatching(
        /^deny hands input\.context\.device to _managed, which has `not` before it, and it may be absent: where it is, the rule ends before _managed is asked, .* custom: \{negated_inputs: \[input\.context\.device\]\}$/,
      ),
      expect.stringMatching(
        /^deny asks _foreign, which has `not` before input\.context\.country, and that may be absent: where it is, _foreign ends before the `not`, /,
      ),
    ]);
  });

  test("is refused in a helper, but not in one that deny and elevate ask behind `not` alone", async () => {
    const closing = 'deny contains "x" if not _trusted';
    const others = 'elevate contains "y" if not _untrusted';
    expect(await told(closing, others)).toEqual([]);
    const ofTrusted = [expect.stringMatching(/^_trusted hands input\.context\.device to _managed/)];
    for (const opening of [
      'deny contains "z" if _trusted',
      'deny contains "z" if not startswith(_trusted, "a")',
      '_safe if not _trusted\n\ndeny contains "z" if not _safe',
      "default _trusted := true",
      "_trusted := false if input.context.country else := true",
    ]) {
      expect(await told(closing, others, opening)).toEqual(expect.arrayContaining(ofTrusted));
    }
    expect(await told('deny contains "x" if _trusted', others)).toEqual(ofTrusted);
    expect(await told(closing, 'allow contains "y" if not _untrusted')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^_untrusted asks _foreign/)]),
    );
  });
});
