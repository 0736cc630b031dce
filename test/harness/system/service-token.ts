/** The token between the two services, in a file of each, so that a running one can be given another at SIGHUP. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where the program of this name looks for it. */
export function placeServiceToken(folder: string, name: string, token: string): string {
  const path = join(folder, `${name}-service-token`);
  writeFileSync(path, token, { mode: 0o600 });
  return path;
}
