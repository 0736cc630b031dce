/** A request as the profile shows it to those who wait for it ("Access Request Response", "Completed Task Response"). */
import { Type } from "typebox";
import { RequestStatus } from "../schema/requests.ts";
import { closed, Time, Uuid } from "../schema/words.ts";

const Task = Type.Object(
  {
    id: Uuid,
    status: RequestStatus,
    status_endpoint: Type.String({ description: "Where to look at it." }),
    expires_at: Type.Unsafe<string>({ ...Time, description: "Until when there is something to wait for or to use." }),
    display: Type.Object({ title: Type.String() }, closed),
    links: Type.Optional(
      Type.Object(
        { cancel: Type.String() },
        { ...closed, description: "While it is pending, for the requester alone." },
      ),
    ),
  },
  closed,
);

const Result = Type.Object(
  {
    mode: Type.Literal("reevaluate"),
    approval: Type.Object({ id: Uuid, approved_at: Type.Optional(Time), approved_until: Time }, closed),
  },
  {
    ...closed,
    description: "Of an approved one: what to name when the question is asked again. It opens nothing by itself.",
  },
);

export const TaskShown = Type.Object({ task: Task, result: Type.Optional(Result) }, closed);
