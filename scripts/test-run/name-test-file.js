// Says to what a test starts by whose name its log is kept (test/harness/kept-logs.ts), and to the run which file this process is at (stuck-file.ts).
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect } from "@jest/globals";

const file = expect.getState().testPath ?? "";
process.env["TEST_FILE"] = basename(file);
const folder = process.env["TEST_RUNNING"];
if (folder !== undefined) writeFileSync(join(folder, String(process.pid)), file);
