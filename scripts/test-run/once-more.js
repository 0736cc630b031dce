// In CI a test that fails is run once more: a whole run has some thousands, and starts some hundred servers, on a machine that others use too, and one
// limit of time that was missed would hide what all else showed. What failed is printed, and the summary names who passed only then (summary.ts).
// Not for what goes wrong now and then by its nature: there a failure that does not come again is what the test is for. Where inputs are
// drawn, the same are drawn again.
import { relative } from "node:path";
import { expect, jest } from "@jest/globals";
import fc from "fast-check";
import { BY_CHANCE } from "./by-chance.ts";

if (!BY_CHANCE.test(relative(process.cwd(), expect.getState().testPath ?? ""))) {
  jest.retryTimes(1, { logErrorsBeforeRetry: true });
  fc.configureGlobal({ seed: Math.floor(Math.random() * 2 ** 31) });
}
