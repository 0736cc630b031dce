/**
 * `npm run tools`: makes sure that OPA, Envoy, Kafka and Schemathesis are at hand, fetches what is missing into `.tools/`, and says for
 * each where it came from. Exits 1 when one could not be had; the others are fetched nevertheless. `npm run tools -- opa`
 * asks for some only.
 */
import { scriptArguments } from "../platform/programs/script-arguments.ts";
import { resolveTool } from "./tools/resolve-tool.ts";
import { type ToolName, toolNames } from "./tools/tool.ts";

function isToolName(text: string): text is ToolName {
  return toolNames.some((name) => name === text);
}

const { positionals } = scriptArguments(`npm run tools -- [${toolNames.join(" | ")}]…`, { allowPositionals: true });
const unknown = positionals.filter((text) => !isToolName(text));
if (unknown.length > 0) {
  process.stderr.write(`unknown tool: ${unknown.join(", ")} (known: ${toolNames.join(", ")})\n`);
  process.exitCode = 2;
} else {
  const wanted = positionals.length === 0 ? toolNames : positionals.filter(isToolName);
  for (const name of wanted) {
    const begin = performance.now();
    const tool = await resolveTool(name, { fetch: true, say: (line) => process.stdout.write(`${name}: ${line}\n`) });
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    if (tool.kind === "found") {
      process.stdout.write(`${name} ${tool.version}  ${tool.location}  (${tool.source}, ${seconds} s)\n`);
    } else {
      process.stdout.write(`${name} MISSING: ${tool.reason}\n  what to do: ${tool.help}\n`);
      process.exitCode = 1;
    }
  }
}
