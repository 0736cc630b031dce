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
        "How long a day on which an account was seen at an hour, in a network or in a country counts for its profile. What was not seen for this long is deleted.",
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
