/** A client by its certificate, over a connection that was opened with it and stays open. */
import { X509Certificate } from "node:crypto";
import { expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { createAuthority } from "../../../test/harness/certificates.ts";
import { createApiCallers, type KnownClient } from "./callers.ts";

const NAME = "URI:spiffe://example.org/asker";
const TOKEN = "service-token-of-the-asker";

test.each([
  ["alone", undefined, []],
  ["beside its service token", TOKEN, [`Bearer ${TOKEN}`]],
])("a certificate that is shown %s counts up to its end and not from then on", async (_how, token, authorization) => {
  const { cert } = await (await createAuthority("ours")).issue({ name: "asker", use: "client" });
  const { raw, validToDate } = new X509Certificate(cert);
  let now = validToDate.getTime() - 1;
  const identity = { identifyInTurn: () => ({ kind: "anonymous" }) as const };
  const client: KnownClient = {
    ...{ name: "asker", token, certificate: NAME, subjects: new Map(), enforcer: true },
  };
  const { authenticate } = createApiCallers({ identity, issuers: new Map(), now: () => instant(now) }, [client], {
    mostUnknown: 1,
  });
  const ask = () =>
    authenticate({ authorization, certificateNames: () => [NAME], certificate: () => raw }, () => false);
  expect(await ask()).toEqual({ kind: "client", client });
  now += 1;
  expect(await ask()).toEqual({ kind: "refused", reason: "credential_expired" });
});
