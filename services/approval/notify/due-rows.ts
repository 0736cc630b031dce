/** What the webhook asks of the notifications that wait; each runs on the session that holds its lock. */
import type { Queryable } from "../../../platform/postgres/pool.ts";

export type Due = {
  readonly id: string;
  readonly kind: string;
  /** JSON as it was stored, to the letter. */
  readonly body: string;
  readonly createdAt: Date;
  readonly traceparent: string | undefined;
  /** Whole seconds of the database clock. */
  readonly now: number;
};

export type DueRows = {
  /** Those whose time has come, by that time, but for `underWay`. */
  readonly due: (on: Queryable, underWay: readonly string[], limit: number) => Promise<readonly Due[]>;
  readonly markDelivered: (on: Queryable, id: string) => Promise<void>;
  /** The pause doubles with each try, from `firstSeconds` up to `mostSeconds`. */
  readonly tryAgain: (
    on: Queryable,
    id: string,
    why: string,
    pause: { readonly firstSeconds: number; readonly mostSeconds: number },
  ) => Promise<void>;
};
