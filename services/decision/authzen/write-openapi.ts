/** `npm run generate`: writes docs/openapi-decision.json. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openapiDocument } from "./document.ts";

const file = join(import.meta.dirname, "..", "..", "..", "docs", "openapi-decision.json");
await writeFile(file, `${JSON.stringify(openapiDocument(), null, 2)}\n`);
