// In CI a test that fails is run once more: a whole run starts some hundred servers on a machine that others use too, and one limit of time
// that was missed would hide what all else showed. What failed is printed, and the summary names who passed only then (summary.ts).
import { jest } from "@jest/globals";

jest.retryTimes(1, { logErrorsBeforeRetry: true });
