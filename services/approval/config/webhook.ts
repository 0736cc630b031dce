/** Section `webhook`: who is told of requests. */
import { Type } from "typebox";
import { closed, Text } from "../../../platform/config/fields.ts";

export const WebhookSchema = Type.Object(
  {
    url: Text("Is told of requests that wait for review, of their end and of revocations; https."),
    secret: Type.Optional(
      Type.String({ "x-secret": true, description: "whsec_… of Standard Webhooks; signs every delivery." }),
    ),
    allowedRanges: Type.Array(Type.String(), {
      default: [],
      description: "CIDR ranges that are not public and may be called all the same, plain http included.",
    }),
    caPath: Type.Optional(Text("Instead of the system's roots.")),
  },
  closed,
);
