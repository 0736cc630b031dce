/** Removes the folder of a bundle, from which somebody may be starting. */
import { rm } from "node:fs/promises";
import path from "node:path";
import { INDEX } from "../../platform/programs/launch/bundled-packages.js";

/** The index first: without it what is left of a folder is no bundle. */
export async function removeBundle(folder: string): Promise<void> {
  await rm(path.join(folder, INDEX), { force: true });
  await rm(folder, { recursive: true, force: true });
}
