/** `npm run generate`: writes docs/openapi.json from the routes. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describedRest } from "./described.ts";

const rest = await describedRest();
const file = join(import.meta.dirname, "..", "..", "..", "docs", "openapi.json");
await writeFile(file, `${JSON.stringify(rest.swagger(), null, 2)}\n`);
await rest.close();
