/** `npm run generate`: writes the published schema of the gateway's configuration, from which docs/config.md is made. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { publishedSchema } from "../../platform/config/published-schema.ts";
import { GatewayConfigSchema, PREFIX } from "./config.ts";

const folder = join(import.meta.dirname, "../../docs/config");
const schema = publishedSchema(GatewayConfigSchema, { prefix: PREFIX, title: "Configuration of the gateway" });
await mkdir(folder, { recursive: true });
await writeFile(join(folder, "gateway.schema.json"), `${JSON.stringify(schema, null, 2)}\n`);
