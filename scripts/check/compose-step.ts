/**
 * Whether docker-compose.yml is a Compose file: read by the module that Docker Compose itself is made of (its schema, and whether every
 * service and volume that is named exists), and the Dockerfile by BuildKit's reader. As a Go program, since there is no other published reader
 * of either. Needs Go, no engine.
 */
import path from "node:path";
import { runCommand } from "../tools/run-command.ts";
import type { Step, StepOutcome } from "./step.ts";

/** The first run fetches and compiles the module. */
const timeoutMs = 600_000;
const WITHOUT_GO = "go is not installed; install Go 1.25 or newer (https://go.dev/dl)";

export function composeStep(root: string): Step {
  return {
    name: "docker-compose.yml and Dockerfile (compose-go, BuildKit)",
    isApart: true,
    run: () => checkCompose(root, path.join(root, "docker-compose.yml")),
  };
}

export async function checkCompose(root: string, file: string): Promise<StepOutcome> {
  const cwd = path.join(root, "scripts/compose-check");
  const go = await runCommand("go", ["version"], { timeoutMs: 20_000, cwd });
  if (go.kind === "failed") return { kind: "skipped", message: WITHOUT_GO };
  const result = await runCommand("go", ["run", "-mod=readonly", ".", file], {
    timeoutMs,
    cwd,
    env: { CGO_ENABLED: "0" },
  });
  return result.kind === "done" ? { kind: "good" } : { kind: "bad", message: result.message };
}
