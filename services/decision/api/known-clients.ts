/** The configured clients, with the tokens that their files contain now. */
import { readFile } from "node:fs/promises";
import { AppError } from "../../../core/domain/app-error.ts";
import { type ApiConfig, tokenFault } from "../../../core/identity/api-config.ts";
import type { KnownClient } from "./callers.ts";

/** Rejects, naming the client, when a file cannot be read, holds no token, or the token of another client. */
export async function readClients(clients: ApiConfig["clients"]): Promise<readonly KnownClient[]> {
  const known = await Promise.all(
    clients.map(async ({ name, tokenPath, certificate, subjects, enforcer, defaultMode }) => ({
      name,
      token: tokenPath === undefined ? undefined : await tokenIn(name, tokenPath),
      certificate,
      subjects: new Map(Object.entries(subjects)),
      enforcer,
      defaultMode,
    })),
  );
  const names = new Map<string, string>();
  for (const { name, token } of known) {
    if (token === undefined) continue;
    const other = names.get(token);
    // NB: one of them would be taken for the other, with its subjects and as an enforcer.
    if (other !== undefined) throw refused(`the token of client ${name} is that of ${other}`);
    names.set(token, name);
  }
  return known;
}

async function tokenIn(name: string, path: string): Promise<string> {
  const token = (await readFile(path, "utf8")).replace(/\r?\n$/, "");
  const fault = tokenFault(token);
  if (fault !== undefined) throw refused(`the token of client ${name} is ${fault}`);
  return token;
}

function refused(detail: string): AppError {
  return new AppError("invalid_configuration", detail);
}
