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

test.each([
  ["keys_unavailable", "unverifiable"],
  ["overloaded", "busy"],
  ["deadline_exceeded", "busy"],
  ["credential_key_unknown", "refused"],
  ["credential_signature_invalid", "refused"],
] as const)(
  "of a token that is not believed for %s it is said whether that is its bearer's matter",
  async (reason, kind) => {
    const identity = { identifyInTurn: () => ({ kind: "refused", reason }) as const };
    const deps = { identity, issuers: new Map(), now: () => instant(0) };
    const { authenticate } = createApiCallers(deps, [], { mostUnknown: 1 });
    const shown = { authorization: ["Bearer a.b.c"], certificateNames: () => [], certificate: () => undefined };
    expect(await authenticate(shown, () => false)).toEqual({ kind, reason });
  },
);
