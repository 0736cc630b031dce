/**
 * Signs a bundle and packs it, ready for a bundle server:
 *
 *     npm run sign-bundle -- --bundle rego/bundle --key policy-1.key.pem --key-id policy-1 --out bundle.tar.gz
 *
 * The bundle is a folder or a tar.gz, such as scripts/build-bundle.ts or `opa build -t wasm` writes. What is signed carries the time of
 * signing; a service that has activated it takes nothing that was signed before. Optional: `--scope`; `--expires-in 24h`, until when it
 * may be activated; `--valid-for 1h`, until when it decides at all; `--reason`, which the status and the log show.
 */
import { createPrivateKey } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { AppError } from "../core/domain/app-error.ts";
import { parseDuration } from "../core/domain/time.ts";
import { readBundleFiles } from "../core/policy/bundle.ts";
import { signFiles } from "../core/policy/bundles/sign-files.ts";
import { writeArchive } from "../core/policy/bundles/write-archive.ts";
import { systemClock } from "../platform/clock.ts";
import { reasonOf } from "../platform/lifecycle/cannot-start.ts";

const text = { type: "string" } as const;
const OPTIONS = {
  bundle: text,
  key: text,
  "key-id": text,
  out: text,
  scope: text,
  "expires-in": text,
  "valid-for": text,
  reason: text,
};
const USAGE =
  "usage: npm run sign-bundle -- --bundle FOLDER_OR_TAR_GZ --key PEM --key-id ID --out TAR_GZ [--scope TEXT] [--expires-in 24h] [--valid-for 1h] [--reason TEXT]";

/** @throws AppError that names what is not known */
function readOptions() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    throw new AppError("invalid_argument", `${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

async function main(): Promise<string> {
  const values = readOptions();
  const { bundle, key, out, scope, reason } = values;
  const keyId = values["key-id"];
  if (bundle === undefined || key === undefined || out === undefined || keyId === undefined) {
    throw new AppError("invalid_argument", USAGE);
  }
  const issuedAt = Math.floor(systemClock.wallMs() / 1_000);
  const moment = (option: "expires-in" | "valid-for"): number | undefined => {
    const text = values[option];
    const lasts = text === undefined ? undefined : parseDuration(text);
    if (text !== undefined && lasts === undefined) {
      throw new AppError("invalid_argument", `--${option} is no duration such as 30m or 24h`);
    }
    return lasts === undefined ? undefined : issuedAt + Math.floor(lasts / 1_000);
  };
  const signed = await signFiles(await readBundleFiles(bundle), {
    keyId,
    privateKey: createPrivateKey(await readFile(key)),
    issuedAt,
    scope,
    reason,
    expiresAt: moment("expires-in"),
    validUntil: moment("valid-for"),
  });
  await writeFile(out, await writeArchive(signed));
  return `${out}: signed by ${keyId} at ${new Date(issuedAt * 1_000).toISOString()}`;
}

try {
  process.stdout.write(`${await main()}\n`);
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`);
  process.exitCode = 1;
}
