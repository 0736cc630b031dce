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

Generated from the schemas that the programs load (\`npm run generate\`), which are also published as JSON Schema:
\`docs/config/decision.schema.json\`, \`docs/config/approval.schema.json\` and \`docs/config/gateway.schema.json\`. Commented examples, loaded by a
test: \`deploy/decision.yaml\`, \`deploy/approval.yaml\` and \`enforcers/node/gateway.yaml\`.

    npm run decision -- --config decision.yaml --check-config    # reports everything that is wrong, and what to do; starts nothing
    npm run decision -- --config decision.yaml

- There is one YAML file (\`--config\`), and an environment variable for every key. A variable overrides the file; an empty one counts as not set.
- Text in a variable is taken as it is. Numbers, booleans and maps are read as YAML: \`8080\`, \`true\`, \`{key-1: keys/key-1.pem}\`. Lists
  are \`a,b\` or YAML.
- **Secrets** are not allowed in the file. They come from their variable, or from a file that \`<VARIABLE>_FILE\` names; a final line break is
  dropped. Other text keys accept \`_FILE\` too. Setting both is refused.
- All faults are reported at once, each with its key, its variable and what to do: anything missing or misspelt, a key or a \`COUNTERSIGN_\`
  variable that does not exist, and unsafe combinations (plain text beyond loopback, certificates while TLS is off, half of a pair, a password in
  an address, the same key id for two services, the same port twice), these as far as the values concerned can be read. A value is never repeated: it may be a secret.
- \`--check-config\` also names the files that cannot be read where it runs. That is not a fault: the configuration may be meant for another machine.
  The content of files is checked at start.
- **Kubernetes** sets variables for each Service of a namespace, and those of a Service named \`countersign-…\` begin with \`COUNTERSIGN_\`: they are refused
  like misspelt ones, and \`COUNTERSIGN_REDEMPTION_PORT=tcp://…\` even names a key. Set \`enableServiceLinks: false\` in the pod's \`spec\`.
- Exit codes: 0 if \`--check-config\` found nothing, 78 if the configuration has to be changed (also if a key file or the bundle
  that it names cannot be used), 1 if trying again may help (the database does not answer or is not set up yet, a port is taken).
- **SIGHUP** makes a running program read its configuration again and apply what can change while it runs: key sets of issuers and the authorities at
  \`ca_path\`, keys of messages (\`state.trustedKeys\`, \`decisionServices.trustedKeys\`, \`signing\` of either), certificates and authorities of REST,
  gRPC and Kafka, user and password at the brokers, the service token, the policy bundle. Open connections continue; new ones use the new certificate.
  A broken part is refused by itself: the program keeps what it had, logs \`reload_refused\` with the part and the reason, sets \`…_reload_refused\` and
  reports degraded in \`/readyz\`. A SIGHUP during the start is handled once the program has started; only in the first instants, while
  Node itself boots, does it end the process. Other keys that changed are named in \`reload_needs_restart\`. Adding section \`api\` takes a restart.
- **A new signing key** has a new id and is announced before it signs: first to whoever verifies (\`decisionServices.trustedKeys\` and the other
  services' \`api.publishedKeys\` for a decision service, \`state.trustedKeys\` for the approval service; SIGHUP there), then in \`signing\` (SIGHUP
  here). A decision service closes its decision log under the old key and begins another under the new one, since a log's id names its key;
  it publishes both keys at \`jwks_uri\`. Records that were still in the spool under the old key when the process ended are shipped when that key is back.
  How the key that signs grants is replaced, and when the old one may go: \`docs/rotating-keys.md\`.
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
