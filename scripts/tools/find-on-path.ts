/**
 * Looks a program up in PATH, without a shell and without running it.
 */
import { access, constants } from "node:fs/promises";
import path from "node:path";

/** All executables of that name, in PATH order. */
export async function findOnPath(program: string): Promise<readonly string[]> {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
  const found: string[] = [];
  for (const folder of folders) {
    const file = path.join(folder, program);
    const isExecutable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isExecutable) found.push(file);
  }
  return found;
}
