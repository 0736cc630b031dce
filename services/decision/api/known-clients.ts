/** The configured clients, with the tokens that their files contain now. */
import { readFile } from "node:fs/promises";
import { type ApiConfig, tokenFault } from "../../../core/identity/api-config.ts";
import type { KnownClient } from "./callers.ts";

/** Rejects, naming the client, when a file cannot be read or holds no token. */
export async function readClients(clients: ApiConfig["clients"]): Promise<readonly KnownClient[]> {
  return Promise.all(
    clients.map(async ({ name, tokenPath, certificate, subjects, enforcer, defaultMode }) => ({
      name,
      token: tokenPath === undefined ? undefined : await tokenIn(name, tokenPath),
      certificate,
      subjects: new Map(Object.entries(subjects)),
      enforcer,
      defaultMode,
    })),
  );
}

async function tokenIn(name: string, path: string): Promise<string> {
  const token = (await readFile(path, "utf8")).replace(/\r?\n$/, "");
  const fault = tokenFault(token);
  if (fault !== undefined) throw new Error(`the token of client ${name} is ${fault}`);
  return token;
}
