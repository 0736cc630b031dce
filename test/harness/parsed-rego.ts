/** Modules as the build reads them, from the Rego text of a test. Needs OPA. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ParsedModule } from "../../scripts/bundle/ast.ts";
import { findOpa, parsed } from "../../scripts/bundle/author-opa.ts";

/** Of `0.rego`, `1.rego` and so on. Rejects with what OPA said. */
export async function parsedRego(...texts: readonly string[]): Promise<readonly ParsedModule[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "parsed-rego-"));
  try {
    const files = texts.map((_, at) => `${at}.rego`);
    await Promise.all(texts.map((text, at) => writeFile(path.join(folder, `${at}.rego`), text)));
    return await parsed(await findOpa(folder), files, (file) => file);
  } finally {
    await rm(folder, { recursive: true });
  }
}
