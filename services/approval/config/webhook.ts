/** Section `webhook`: who is notified of requests. */
import { Type } from "typebox";
import { closed, Text } from "../../../platform/config/fields.ts";

export const WebhookSchema = Type.Object(
  {
    url: Text("Receiver of notifications: requests that wait for review, their end, and revocations; https."),
    secret: Type.Optional(
      Type.String({ "x-secret": true, description: "Standard Webhooks secret (whsec_…) that signs every delivery." }),
    ),
    allowedRanges: Type.Array(Type.String(), {
      default: [],
      description: "Non-public CIDR ranges that may be called nevertheless, also with plain http.",
    }),
    caPath: Type.Optional(Text("CA certificates (PEM), instead of the system's roots.")),
  },
  closed,
);
