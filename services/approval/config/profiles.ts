/** Section `profiles`: when and from where accounts usually call. */
import { Type } from "typebox";
import { closed } from "../../../platform/config/fields.ts";

export const ProfilesSchema = Type.Object(
  {
    enabled: Type.Boolean({
      default: false,
      description:
        "Keep for policies when and from which networks and countries each account usually calls. Personal data: off by default; switching it off deletes what was kept.",
    }),
    keepDays: Type.Integer({
      minimum: 1,
      maximum: 3_650,
      default: 90,
      description:
        "An hour, network or country of an account that was not seen for this long is deleted, and the days on which it was seen with it.",
    }),
    publishEveryMinutes: Type.Integer({
      minimum: 1,
      maximum: 1_440,
      default: 60,
      description: "How often at most a profile that keeps changing is sent to decision services.",
    }),
  },
  closed,
);
