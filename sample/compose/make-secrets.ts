/**
 * Makes what docker-compose.yml keeps in volumes: keys, passwords and tokens, at the first start and never again. Each program sees the
 * folder of its own and `public`: node sample/compose/make-secrets.ts FOLDER
 */
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { keyFiles, secret } from "../one-machine/data-folder.ts";
import { signingKeyIn } from "../token-issuer/signing-key.ts";

const [root] = process.argv.slice(2);
if (root === undefined) throw new Error("usage: make-secrets.ts FOLDER");
const names = ["approval", "decision", "issuer", "database", "public"] as const;
const [approval, decision, issuer, database, shared] = names.map((name) => join(root, name));
if (!approval || !decision || !issuer || !database || !shared) throw new Error("a folder without a name");
for (const folder of [approval, decision, issuer, database, shared]) await mkdir(folder, { recursive: true });

const random = () => randomBytes(32).toString("base64url");
await keyFiles(approval, "approval-1", shared);
await keyFiles(decision, "decision-1", shared);
const { jwk } = await signingKeyIn(issuer);
await writeFile(join(shared, "issuer.jwks.json"), JSON.stringify({ keys: [jwk] }));
const serviceToken = await secret(join(approval, "service-token"), random);
await secret(join(decision, "service-token"), () => serviceToken);
const password = await secret(join(database, "password"), random);
// In plain text: these containers share one machine, and the network of their own.
const databaseUrl = `postgres://countersign:${password}@postgres/countersign?sslmode=disable`;
await secret(join(approval, "database-url"), () => databaseUrl);
process.stdout.write(`keys, passwords and tokens are in ${names.map((name) => join(root, name)).join(", ")}\n`);
