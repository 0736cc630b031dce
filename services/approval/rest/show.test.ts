import { expect, test } from "@jest/globals";
import { sampleDenial } from "../../../core/messages/samples.ts";
import { showDenial } from "./show.ts";

test("a denial is shown without any hash of what is masked, alone or with others", () => {
  const denial = sampleDenial();
  const shown = JSON.stringify(showDenial(denial));
  const bound = denial.offers.map(({ binding }) => (binding.kind === "digest" ? binding.digest : ""));
  const hashes = [...Object.values(denial.call.fieldHashes), ...bound, denial.key];
  expect(hashes.length).toBeGreaterThan(8);
  for (const hash of hashes) expect(shown).not.toContain(hash);
  expect(shown).toContain(denial.call.maskedQuery);
});
