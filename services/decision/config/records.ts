/** Sections `decisionLog` and `denials`: how decisions are recorded, and how many new denials a subject may cause. */
import { Type } from "typebox";
import { closed, Path, Text } from "../../../platform/config/fields.ts";

export const DecisionLogSchema = Type.Object(
  {
    folder: Text("Folder of the spool; one per process."),
    audit: Type.Union([Type.Literal("required"), Type.Literal("best_effort")], {
      default: "best_effort",
      description: "required: an answer waits until its record is on disk, and is a denial if that fails.",
    }),
    maxSpoolBytes: Type.Integer({
      minimum: 1_048_576,
      default: 1_073_741_824,
      description: "Records kept while the stream is unreachable; with audit required, a full spool denies.",
    }),
  },
  closed,
);

export const DenialsSchema = Type.Object(
  {
    burst: Type.Integer({ minimum: 1, default: 20, description: "New denials of one subject in a burst." }),
    perMinute: Type.Integer({
      minimum: 1,
      default: 10,
      description: "New denials of one subject per minute after that.",
    }),
    requestUrl: Path("URL shown to requesters for submitting requests."),
  },
  closed,
);
