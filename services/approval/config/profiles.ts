/** Section `profiles`: when and from where accounts usually call. */
import { Type } from "typebox";
import { closed } from "../../../platform/config/fields.ts";

export const ProfilesSchema = Type.Object(
  {
    enabled: Type.Boolean({
      default: false,
      description:
        "Keep when and from which networks and countries each account usually calls, for policies. Personal data: off unless you say so; switched off, what was kept is deleted.",
    }),
    keepDays: Type.Integer({
      minimum: 1,
      maximum: 3_650,
      default: 90,
      description: "An hour, network or country of an account that was not seen for so long is deleted.",
    }),
    publishEveryMinutes: Type.Integer({
      minimum: 1,
      maximum: 1_440,
      default: 60,
      description: "A profile that goes on changing is told to decision services at most so often.",
    }),
  },
  closed,
);
