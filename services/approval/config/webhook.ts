/** Section `webhook`: who is notified of requests. */
import { type Static, Type } from "typebox";
import { webAddressProblem } from "../../../platform/config/addresses.ts";
import { type ConfigFault, unsafe } from "../../../platform/config/fault.ts";
import { closed, Text } from "../../../platform/config/fields.ts";
import { FilePath } from "../../../platform/config/files.ts";
import { rangeProblem } from "../../../platform/http/address-ranges.ts";
import { webhookKeyOf } from "../../../platform/http/webhook-secret.ts";

export const WebhookSchema = Type.Object(
  {
    url: Text("Receiver of notifications: requests that wait for review, their end, and revocations; https."),
    secret: Type.Optional(
      Type.String({
        "x-secret": true,
        description:
          "Required with `webhook`: Standard Webhooks secret (whsec_…) that signs every delivery (docs/webhooks.md).",
      }),
    ),
    allowedRanges: Type.Array(Type.String(), {
      default: [],
      description: "Non-public CIDR ranges that may be called nevertheless, also with plain http.",
    }),
    caPath: FilePath("CA certificates (PEM), instead of the system's roots."),
  },
  closed,
);

export function webhookFaults(webhook: Static<typeof WebhookSchema> | undefined): readonly ConfigFault[] {
  if (webhook === undefined) return [];
  const { url, secret, allowedRanges, caPath } = webhook;
  const faults: ConfigFault[] = [];
  const fault = (key: string, problem: string | undefined) => {
    if (problem !== undefined) faults.push(unsafe(`webhook.${key}`, problem));
  };
  const address = webAddressProblem(url);
  fault("url", address);
  if (address === undefined && URL.parse(url)?.protocol === "http:") {
    if (allowedRanges.length === 0)
      fault("url", "is plain http, which goes to addresses of webhook.allowedRanges alone; use https, or name them");
    if (caPath !== undefined) fault("caPath", "is set, and webhook.url is plain http; remove it, or use https");
  }
  if (secret === undefined) {
    fault("secret", "is missing; set COUNTERSIGN_WEBHOOK_SECRET or its _FILE, so that receivers can verify");
  } else if (webhookKeyOf(secret) === undefined) {
    fault("secret", "is no secret of Standard Webhooks; make one of whsec_ and 24 to 64 random bytes in base64");
  }
  fault("allowedRanges", rangeProblem(allowedRanges));
  return faults;
}
