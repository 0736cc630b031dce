/** The file that holds up a run is named, by the process that is at it. */
import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { STUCK_MS, stuckFile } from "./stuck-file.ts";

test("a file that was begun too long ago is found, with its process; one that was begun since is not", async () => {
  const folder = await mkdtemp(join(tmpdir(), "running-"));
  try {
    const now = 1_795_478_400_000;
    expect(await stuckFile(folder, now)).toBeUndefined();
    for (const [pid, begunMs] of [
      ["7", now - STUCK_MS - 1],
      ["8", now - STUCK_MS],
    ] as const) {
      await writeFile(join(folder, pid), `/repo/${pid}.test.ts`);
      await utimes(join(folder, pid), begunMs / 1_000, begunMs / 1_000);
    }
    expect(await stuckFile(folder, now)).toEqual({ pid: 7, file: "/repo/7.test.ts" });
    await writeFile(join(folder, "7"), "/repo/next.test.ts");
    expect(await stuckFile(folder, now)).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
