/** `npm run generate`: writes the published schema of this service's configuration, from which docs/config.md is generated. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { publishedSchema } from "../../platform/config/published-schema.ts";
import { ApprovalConfigSchema, PREFIX } from "./config.ts";

const folder = join(import.meta.dirname, "../../docs/config");
const schema = publishedSchema(ApprovalConfigSchema, {
  prefix: PREFIX,
  title: "Configuration of the approval service",
});
await mkdir(folder, { recursive: true });
await writeFile(join(folder, "approval.schema.json"), `${JSON.stringify(schema, null, 2)}\n`);
