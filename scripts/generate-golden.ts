/** Writes `core/messages/golden/*.json` from the sample records. A change in them is a change of the wire format. */
import { mkdirSync, writeFileSync } from "node:fs";
import { goldenRecords } from "../core/messages/samples.ts";

const folder = new URL("../core/messages/golden/", import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, value] of goldenRecords()) {
  writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(value, null, 2)}\n`);
}
