/**
 * Writes docs/config.md from the published schemas in docs/config/, which the services write. Texts about keys are the descriptions of
 * the schemas; what is said around them stands here. `npm run check` runs it and fails when the page changes.
 */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { keyTable } from "./config-page/key-table.ts";
import { readSchema } from "./config-page/read-schema.ts";

const docs = path.resolve(import.meta.dirname, "../docs");

const intro = `# Configuration

Generated from the schemas that the programs load (\`npm run generate\`); the same as JSON Schema:
\`docs/config/decision.schema.json\`, \`docs/config/approval.schema.json\` and \`docs/config/gateway.schema.json\`. Commented examples that a
test loads: \`deploy/decision.yaml\` and \`deploy/approval.yaml\`; of the gateway \`enforcers/node/gateway.yaml\`.

    npm run decision -- --config decision.yaml --check-config    # says everything that is wrong, with what to do; starts nothing
    npm run decision -- --config decision.yaml

- One YAML file (\`--config\`), and an environment variable for every key. A variable wins over the file; an empty one counts as not set.
- Text in a variable is taken as it is. Numbers, booleans and maps are read as YAML: \`8080\`, \`true\`, \`{key-1: keys/key-1.pem}\`. Lists
  are \`a,b\` or YAML.
- **Secrets** may not stand in the file. They come from their variable, or from a file that \`<VARIABLE>_FILE\` names; a last line break is
  left away. Other text keys accept \`_FILE\` too. Both at once is refused.
- Refused, all faults at once, each with its key, its variable and what to do: anything missing or misspelt, a key or a \`COUNTERSIGN_\`
  variable that does not exist, and what is unsafe together (plain text beyond loopback, certificates with TLS off, half of a pair).
  Those are told at the same time, as far as the values concerned can be read. A value is never repeated: it may be a secret.
- Exit codes: 0 after \`--check-config\` found nothing, 78 when the configuration has to be changed (also when a key file or the bundle
  that it names cannot be used), 1 when trying again may help (the database does not answer, or is not set up yet, a port is taken).
- **SIGHUP** has a running program read its configuration again, and take anew what can change under it: key sets of issuers and the authorities at \`ca_path\`, keys of
  messages (\`state.trustedKeys\`, \`decisionServices.trustedKeys\`, \`signing\` of either), certificates and authorities of REST,
  gRPC and Kafka, user and password at the brokers, the service token, the policy bundle. Connections that are open go on; new ones use the new certificate. What is broken is refused
  part by part: the program goes on with what it had, logs \`reload_refused\` with the part and the reason, sets \`…_reload_refused\` and says
  degraded in \`/readyz\`. One that comes while a program starts is made good once it has started; only in the first hundredths of a start, while
  Node itself boots, SIGHUP ends the process. Other keys that changed are named in \`reload_needs_restart\`. Without section \`api\` nothing of it is taken: that needs a restart.
- **A new signing key** has a new id, and is announced before it signs: first to who verifies (\`decisionServices.trustedKeys\` and the other
  services' \`api.publishedKeys\` for a decision service, \`state.trustedKeys\` for the approval service; SIGHUP there), then \`signing\` (SIGHUP
  here). A decision service closes its decision log under the old key and begins another under the new one, since a log's id names its key;
  it shows both keys at \`jwks_uri\`. What still stood in the spool under the old key when the process ended is shipped when that key is back.
- Paths are relative to the working directory. Keys and certificates are PEM.
`;

const sections = await Promise.all(
  ["decision", "approval", "gateway"].map(async (name) => {
    const schema = await readSchema(path.join(docs, "config", `${name}.schema.json`));
    return `\n## ${capitalised(name)}${name === "gateway" ? "" : " service"}\n\n${keyTable(schema)}`;
  }),
);
await writeFile(path.join(docs, "config.md"), `${intro}${sections.join("")}`);

function capitalised(name: string): string {
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}
