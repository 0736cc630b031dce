/** Starts of a service up to the point where it has its configuration, or says why not: one YAML file, an environment, further arguments. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Static, TObject } from "typebox";
import { stringify } from "yaml";
import { configFromCommandLine, type Started } from "../../platform/config/command-line.ts";
import type { Rule } from "../../platform/config/rules.ts";

type Env = { readonly [name: string]: string };

/** Settings that are each fine, spread over a configuration that is, and what the refusal has to say. */
export type UnsafeCase = {
  readonly what: string;
  readonly settings: object;
  readonly says: string;
  /** In place of the secrets that are fine. */
  readonly env?: Env;
};

export function createConfigStart<Schema extends TObject>(
  program: { readonly schema: Schema; readonly prefix: string; readonly rules: readonly Rule<Static<Schema>>[] },
  secrets: Env,
) {
  async function start(settings: object, env = secrets, ...more: readonly string[]): Promise<Started<Static<Schema>>> {
    const folder = await mkdtemp(join(tmpdir(), "config-"));
    try {
      const file = join(folder, "config.yaml");
      await writeFile(file, stringify(settings, { aliasDuplicateObjects: false }));
      return await configFromCommandLine({ ...program, env, args: ["--config", file, ...more] });
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  return {
    start,
    /** Exit code and text, or "accepted". */
    async refusal(settings: object, env = secrets): Promise<string> {
      const started = await start(settings, env);
      return started.kind === "exit" ? `${started.code} ${started.text}` : "accepted";
    },
  };
}
