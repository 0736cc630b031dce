/**
 * Writes deploy/compose/envoy.yaml: the native bootstrap with the names of docker-compose.yml in place of loopback addresses, and nothing
 * else, so that whatever the tests show of the one holds for the other.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
const ADDRESSES: ReadonlyMap<number, string> = new Map([
  [8080, "0.0.0.0"],
  [9191, "pod"], // whose network the decision service shares
  [8081, "orders"],
]);
const HEADER = `# The Envoy of docker-compose.yml: enforcers/envoy/native.yaml with the names of the containers. Generated (npm run generate).\n`;

let text = await readFile(path.join(root, "enforcers/envoy/native.yaml"), "utf8");
for (const [port, name] of ADDRESSES) {
  const address = `{ address: 127.0.0.1, port_value: ${port} }`;
  const parts = text.split(address);
  if (parts.length !== 2) throw new Error(`native.yaml names ${address} ${parts.length - 1} times, not once`);
  text = parts.join(`{ address: ${name}, port_value: ${port} }`);
}
await writeFile(path.join(root, "deploy/compose/envoy.yaml"), HEADER + text.slice(text.indexOf("admin:")));
