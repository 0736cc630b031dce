/**
 * OPA on what an author wrote: what is wrong is said as `file:line: what`, of the file that the author knows, and not as OPA's report of the
 * copy that was compiled.
 */
import { stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { resolveTool } from "../tools/resolve-tool.ts";
import { runCommand } from "../tools/run-command.ts";
import { field, list, type ParsedModule } from "./ast.ts";
import { BuildFault } from "./build-fault.ts";
import type { Stage } from "./stage.ts";

export type Opa = (...args: readonly string[]) => Promise<string>;

const TIMEOUT_MS = 120_000;
/** Of what OPA says about a policy: it names each fault in up to six lines. */
const LINES = 200;

/** `told`: of what OPA says, what the author is told. @throws BuildFault, and so does what it returns */
export async function findOpa(cwd: string, told: (text: string) => string = (text) => text): Promise<Opa> {
  const tool = await resolveTool("opa", { fetch: false });
  if (tool.kind === "missing") throw new BuildFault(`OPA is needed: ${tool.reason}; ${tool.help}`);
  return async (...args) => {
    const result = await runCommand(tool.location, args, { timeoutMs: TIMEOUT_MS, cwd, lines: LINES });
    if (result.kind === "failed") throw new BuildFault(told(plain(result.message)));
    return result.output;
  };
}

/** On the copy of a source; `source`: where it came from, as the author is told it. */
export function opaOn(stage: Stage, source: string): Promise<Opa> {
  return findOpa(stage.folder, (text) => text.replaceAll(path.join(stage.source, "/"), path.join(source, "/")));
}

/** The syntax trees of files of the stage. @throws BuildFault */
export async function parsed(
  opa: Opa,
  files: readonly string[],
  original: (file: string) => string,
): Promise<readonly ParsedModule[]> {
  return Promise.all(
    files.map(async (file) => {
      const text = await opa("parse", "--format", "json", file).catch(async (error: unknown) => {
        // In words, where parsing says it as JSON.
        await opa("check", file);
        throw error;
      });
      const ast: unknown = JSON.parse(text);
      // With lines only where something is told by them: of a long list they are many times the list.
      const isCustom = list(field(ast, "annotations")).some((one) => field(one, "custom") !== undefined);
      const told: unknown = isCustom
        ? JSON.parse(await opa("parse", "--format", "json", "--json-include", "locations", file))
        : ast;
      return { file: original(file), ast: told };
    }),
  );
}

/** For packages that do not say it themselves; what a package says in its own METADATA counts before it. */
const DEFAULT_SCHEMA = `# METADATA
# scope: subpackages
# schemas:
#   - input: schema.input
package countersign.policies
`;

/**
 * Refuses look-ups of what the input has not: misspelt, they are undefined, and a denial that asks for one never holds. Packages of policies
 * that do not say by METADATA what their input is are held to `input.json` all the same. `schema`: the folder that it lies in, where the
 * source brings none. @throws BuildFault
 */
export async function checkInputs(opa: Opa, stage: Stage, schema: string): Promise<void> {
  const own = path.join(stage.folder, stage.source, "schema");
  const isOwn = await stat(path.join(own, "input.json")).then(
    () => true,
    () => false,
  );
  const unsaid = path.join(stage.folder, "input-unless-said.rego");
  await writeFile(unsaid, DEFAULT_SCHEMA);
  await opa("check", "--schema", isOwn ? own : schema, ...stage.modules, unsaid);
}

function plain(message: string): string {
  return message
    .replace(/^\S+ failed \(\d+\)\n/, "")
    .replace(/^(?:error: )?\d+ errors? occurred(?: during loading)?:\s*/, "");
}
