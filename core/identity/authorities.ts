/**
 * The private CAs of issuers (`ca_path`): read at start and again at a reload. Each counts for the key set of its issuer and for nothing else. A
 * file that cannot be used leaves what was read of it before.
 */
import { readAuthorities } from "../../platform/config/pem-files.ts";
import { CannotStart, fromFiles, reasonOf } from "../../platform/lifecycle/cannot-start.ts";
import type { Issuer, Issuers } from "./issuers.ts";

interface Authorities {
  /** PEM; undefined for an issuer without, whose host the system's roots vouch for. */
  of(issuer: string): string | undefined;
  /** Why not, for each file that cannot be used, in words that may be shown. */
  reload(): Promise<readonly string[]>;
}

/** @throws CannotStart */
export async function startAuthorities(issuers: Issuers): Promise<Authorities> {
  const read = new Map<string, string>();
  /** `index`: in the configuration, of which none is left out when it is valid. */
  const readOne = async ({ issuer, keySource }: Issuer, index: number) => {
    const caPath = keySource.kind === "http" ? keySource.caPath : undefined;
    if (caPath === undefined) return;
    const key = `identity.issuers.${index}.ca_path`;
    read.set(issuer, await fromFiles(key, "authorities (PEM)", () => readAuthorities(caPath)));
  };
  const all = [...issuers.values()];
  await Promise.all(all.map(readOne));
  return {
    of: (issuer) => read.get(issuer),
    async reload() {
      const reasons = all.map((issuer, index) =>
        readOne(issuer, index).then(
          () => [],
          (error: unknown) => [whyNot(error)],
        ),
      );
      return (await Promise.all(reasons)).flat();
    },
  };
}

function whyNot(error: unknown): string {
  return error instanceof CannotStart ? error.message : reasonOf(error);
}
