/**
 * The last good key set of each issuer on disk, so that a process that starts while the identity provider is down still knows its keys (rule 7).
 * One file per issuer and source, named by their hash, replaced atomically. Only the service may write to the directory: whoever can write there
 * can add keys.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { replaceFile } from "../../platform/replace-file.ts";
import type { Issuer } from "./issuers.ts";
import { type KeySet, parseKeySet, writeKeySet } from "./key-set.ts";

type LastGood = { readonly keySet: KeySet; readonly confirmedAt: number };

interface LastGoodKeys {
  /** Undefined when there is none, or when it is unreadable or of another source. Never rejects. */
  read(issuer: Issuer): Promise<LastGood | undefined>;
  /** @returns whether it is on disk now. Never rejects. */
  write(issuer: Issuer, lastGood: LastGood): Promise<boolean>;
}

const Stored = Type.Object(
  { issuer: Type.String(), source: Type.String(), confirmed_at_ms: Type.Integer({ minimum: 0 }), jwks: Type.Unknown() },
  { additionalProperties: false },
);
const stored = Compile(Stored);

export function createLastGoodKeys(directory: string): LastGoodKeys {
  const fileOf = (issuer: Issuer) => {
    const name = createHash("sha256").update(JSON.stringify([issuer.issuer, sourceOf(issuer)]));
    return path.join(directory, `${name.digest("hex").slice(0, 32)}.json`);
  };
  return {
    async read(issuer) {
      try {
        const value: unknown = JSON.parse(await readFile(fileOf(issuer), "utf8"));
        if (!stored.Check(value) || value.issuer !== issuer.issuer || value.source !== sourceOf(issuer))
          return undefined;
        const parsed = parseKeySet(Buffer.from(JSON.stringify(value.jwks)));
        return parsed.kind === "parsed" ? { keySet: parsed.keySet, confirmedAt: value.confirmed_at_ms } : undefined;
      } catch {
        return undefined;
      }
    },
    async write(issuer, { keySet, confirmedAt }) {
      const value: Static<typeof Stored> = {
        issuer: issuer.issuer,
        source: sourceOf(issuer),
        confirmed_at_ms: confirmedAt,
        jwks: writeKeySet(keySet),
      };
      try {
        await replaceFile(fileOf(issuer), JSON.stringify(value));
        return true;
      } catch {
        return false;
      }
    },
  };
}

function sourceOf({ keySource }: Issuer): string {
  return keySource.kind === "http" ? keySource.url : keySource.path;
}
