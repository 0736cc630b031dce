/** Constructs what denials over AuthZEN offer to who may ask for more: tokens by the signing key, and the key set that verifies them. */
import { readFile } from "node:fs/promises";
import { publicJwk } from "../../../core/messages/signing.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { readPems } from "../../../platform/config/pem-files.ts";
import { fromFiles } from "../../../platform/lifecycle/cannot-start.ts";
import { type AccessRequests, createAccessRequests } from "../authzen/access-request.ts";
import type { DecisionConfig } from "../config.ts";
import type { Process } from "./decision-path.ts";

/** Undefined where no endpoint takes them. @throws CannotStart */
export async function startAccessRequests(
  { signer, faults }: Pick<Process, "signer" | "faults">,
  { api, signing }: { readonly api: NonNullable<DecisionConfig["api"]>; readonly signing: DecisionConfig["signing"] },
): Promise<AccessRequests | undefined> {
  const { accessRequestEndpoint: endpoint, baseUrl: issuer, publishedKeys } = api;
  if (endpoint === undefined) return undefined;
  const keys = await fromFiles("api.publishedKeys", "Ed25519 public keys (PEM)", async () => {
    const others = [...(await readPems(publishedKeys))].filter(([kid]) => kid !== signing.kid);
    const own = [signing.kid, await readFile(signing.keyPath, "utf8")] as const;
    return [own, ...others].map(([kid, pem]) => publicJwk(kid, pem));
  });
  return createAccessRequests({ signer, newTokenId: uuidv7, faults }, { issuer, endpoint, keys });
}
