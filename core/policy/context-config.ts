/** The section `context` of a configuration, and its faults. */
import { type Static, Type } from "typebox";
import type { ConfigFault } from "../../platform/config/fault.ts";
import { closed } from "../../platform/config/fields.ts";
import { FilePath } from "../../platform/config/files.ts";

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const Clock = (fallback: string, description: string) =>
  Type.String({ pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", default: fallback, description });

export const ContextSchema = Type.Object(
  {
    timeZone: Type.String({
      minLength: 1,
      default: "UTC",
      description: "Time zone of the organisation, such as Europe/Berlin: input.context.local.",
    }),
    officeHours: Type.Object(
      {
        days: Type.Array(Type.String(), {
          default: WEEKDAYS.slice(0, 5),
          description: "Days with office hours, in English.",
        }),
        from: Clock("08:00", "Begin of office hours."),
        to: Clock("18:00", "End of office hours; 24:00 is the end of the day."),
      },
      closed,
    ),
    countryDatabase: FilePath(
      "MaxMind DB file with countries: input.context.country. Checked every 10 s and at SIGHUP.",
    ),
    profiles: Type.Object(
      {
        enabled: Type.Boolean({
          default: false,
          description:
            "Read profiles of when and from where accounts usually call: input.context.profile. Requires `profiles` of the approval service.",
        }),
        maxSubjects: Type.Integer({
          minimum: 1,
          maximum: 5_000_000,
          default: 200_000,
          description: "Profiles kept in memory, those received or used last.",
        }),
      },
      closed,
    ),
    device: Type.Object(
      {
        claims: Type.Record(Type.String(), Type.String(), {
          default: {},
          description: "Name in input.context.device → claim of the account.",
        }),
        headers: Type.Record(Type.String(), Type.String(), {
          default: {},
          description:
            "Name in input.context.device → lower-case header. Only headers that a proxy of yours overwrites: a caller can write any other.",
        }),
      },
      closed,
    ),
  },
  closed,
);

export type ContextConfig = Static<typeof ContextSchema>;

export function contextFaults({ timeZone, officeHours, device }: ContextConfig, key: string): readonly ConfigFault[] {
  const faults: ConfigFault[] = [];
  const fault = (name: string, problem: string) => faults.push({ key: `${key}.${name}`, variable: undefined, problem });
  if (!isTimeZone(timeZone)) fault("timeZone", "is not a time zone; write one such as Europe/Berlin");
  for (const day of officeHours.days) {
    if (!WEEKDAYS.includes(day))
      fault("officeHours.days", `contains something that is not a day; use some of ${WEEKDAYS.join(", ")}`);
  }
  if (officeHours.from >= officeHours.to) fault("officeHours.to", "is not after officeHours.from; correct one of them");
  for (const [name, header] of Object.entries(device.headers)) {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(header)) fault(`device.headers.${name}`, "is no lower-case header name");
    if (Object.hasOwn(device.claims, name))
      fault(`device.headers.${name}`, "is a claim too; give one of them another name");
  }
  return faults;
}

function isTimeZone(timeZone: string): boolean {
  try {
    return Intl.DateTimeFormat("en-GB", { timeZone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
