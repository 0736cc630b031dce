/** Constructs what AuthZEN denials offer for requesting access: tokens by the signing key, and the key set that verifies them. */
import { publicJwk } from "../../../core/messages/signing.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { readPems } from "../../../platform/config/pem-files.ts";
import { fromFiles } from "../../../platform/lifecycle/cannot-start.ts";
import { type AccessRequests, createAccessRequests } from "../authzen/access-request.ts";
import type { DecisionConfig } from "../config.ts";
import { apiOf } from "./api-section.ts";
import type { SharedParts } from "./path-parts.ts";

type Api = NonNullable<DecisionConfig["api"]>;

/** Undefined if no endpoint is configured. @throws CannotStart */
export async function startAccessRequests(
  { signingKey, faults, reload }: Pick<SharedParts, "signingKey" | "faults" | "reload">,
  { accessRequestEndpoint: endpoint, baseUrl: issuer, publishedKeys }: Api,
): Promise<AccessRequests | undefined> {
  if (endpoint === undefined) return undefined;
  let others = await fromFiles("api.publishedKeys", "Ed25519 public keys (PEM)", () => readPublished(publishedKeys));
  reload.part("api_published_keys", ["api.publishedKeys"], async (now) => {
    others = await readPublished(apiOf(now).publishedKeys);
  });
  const keys = () => {
    const own = signingKey.publicKeys();
    return [...own, ...others.filter(({ kid }) => own.every((one) => one.kid !== kid))];
  };
  return createAccessRequests({ signer: signingKey.signer, newTokenId: uuidv7, faults }, { issuer, endpoint, keys });
}

async function readPublished(paths: Api["publishedKeys"]) {
  return [...(await readPems(paths))].map(([kid, pem]) => publicJwk(kid, pem));
}
