/** The audit log, page by page. */
import { Type } from "typebox";
import { closed, paging } from "./words.ts";

export const AuditQuery = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        pattern: "^[0-9]{1,18}$",
        description: "`next` of the page before; from the beginning if absent.",
      }),
    ),
    limit: paging.limit,
  },
  closed,
);

export const AuditPage = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          sequence: Type.String({ description: "Order of arrival; only grows, may have gaps." }),
          log: Type.String(),
          index: Type.String(),
          event: Type.Unsafe<unknown>({ description: "A CloudEvent, as on the audit topic." }),
        },
        closed,
      ),
    ),
    next: Type.String({
      description:
        "Give it as `after` to go on; the same as before when nothing is new. It alone says so: also a page with fewer than `limit` has others after it.",
    }),
  },
  closed,
);
