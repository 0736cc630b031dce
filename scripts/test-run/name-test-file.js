// Says to what a test starts by whose name its log is kept (test/harness/kept-logs.ts).
import { basename } from "node:path";
import { expect } from "@jest/globals";

process.env["TEST_FILE"] = basename(expect.getState().testPath ?? "");
