/**
 * Redemptions through the gRPC port of the approval service, in turn with bare UPDATEs of one column on the same database: as many rows, as
 * many calls under way, each a transaction of its own. The relay and the sealer have the redemptions to publish meanwhile, as in production.
 * A third lane updates a row whose trigger wakes a listener, as every change of a grant does: NOTIFY lets one transaction commit at a time.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { createLog } from "../../../platform/log/log.ts";
import { createDatabase } from "../../../platform/postgres/pool.ts";
import { RedeemRequest, RedemptionServiceService } from "../../../proto/gen/countersign/v1/redemption.ts";
import { ISSUER } from "../../integration/decision/lone-decision.ts";
import { insertGrant } from "../../integration/approval/migrated-database.ts";
import { startChild } from "../child.ts";
import { closed } from "../check/check-load.ts";
import { median, shown, table } from "../figures.ts";
import { measured } from "../load/measured.ts";
import { type Load, type Run, runLoad } from "../load/run-load.ts";
import type { Rig } from "../run-bench.ts";
import type { BothServices } from "./both-services.ts";
import type { BareUpdateSpec } from "./bare-update.ts";

const log = createLog({ name: "bench", level: "silent" });
/** Several, so that callers seldom wait for one another's row. */
const ROWS = 64;
const PLENTY = 1_000_000;
/** More than can be redeemed in a run. */
const MOST_PER_S = 4_000;
const GRANTED = "0a";
const BARE_UPDATE = join(import.meta.dirname, "bare-update.ts");
const updated = Compile(
  Type.Object({ perS: Type.Number(), p50Ms: Type.Number(), p99Ms: Type.Number(), p999Ms: Type.Number() }),
);
/** A round of fewer has no p99.9: it would be that of its slowest call or two. */
export const FEWEST_FOR_P999 = 2_000;

type Seen = Pick<Run, "perS" | "p50Ms" | "p99Ms" | "p999Ms">;
type Options = { readonly rounds: number; readonly seconds: number };

export async function redemptions(services: BothServices, options: Options, { progress }: Rig): Promise<string> {
  const { rounds, seconds } = options;
  const { databaseUrl, redemption, approval } = services;
  await using database = createDatabase({ log }, { connection: databaseUrl, applicationName: "bench" });
  const grants: string[] = [];
  for (let row = 0; row < ROWS; row += 1) grants.push(await insertGrant(database, { issuer: ISSUER }));
  await database.query("update grants set max_uses = $1 where id = any ($2::uuid[])", [PLENTY, grants]);
  for (const name of ["bare", "bare_ringing"] as const) {
    await database.query(`create table ${name} (id uuid primary key, uses integer not null default 0)`);
    await database.query(`insert into ${name} (id) select unnest($1::uuid[])`, [grants]);
  }
  await database.query(
    "create trigger bare_ring after update on bare_ringing for each statement execute function ring('bench')",
  );

  const server = measured([redemption.port], [approval.opsUrl]);
  const shape = closed(seconds);
  const update = async (name: BareUpdateSpec["table"]) => {
    const spec: BareUpdateSpec = { ...shape, connection: databaseUrl, table: name, rows: grants };
    return updated.Parse(await startChild(BARE_UPDATE, spec).answer);
  };
  const redeemed: Run[] = [];
  const bare: Seen[] = [];
  const ringing: Seen[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    bare.push(await update("bare"));
    ringing.push(await update("bare_ringing"));
    const requests = uses(grants, Math.ceil(MOST_PER_S * (seconds + shape.warmUpS)));
    const call: Load["call"] = {
      ...{ kind: "grpc", path: RedemptionServiceService.redeem.path, expected: GRANTED },
      headers: { authorization: `Bearer ${redemption.serviceToken}` },
    };
    const run = await runLoad(server, { ...shape, call, requests });
    redeemed.push(run);
    progress(
      `round ${round} of ${rounds}: ${shown(run.perS)} redemptions, ${shown(bare.at(-1)?.perS ?? 0)} updates a second`,
    );
  }
  const row = (name: string, runs: readonly Seen[], cpu: string) => {
    const ratio = median(runs.map(({ perS }, at) => perS / (bare[at]?.perS ?? Number.NaN)));
    const each = (pick: (one: Seen) => number) => shown(median(runs.map(pick)));
    const calls = Math.round(Math.min(...runs.map(({ perS }) => perS)) * seconds);
    return [
      ...[name, each(({ perS }) => perS), shown(ratio), each(({ p50Ms }) => p50Ms), each(({ p99Ms }) => p99Ms)],
      ...[calls < FEWEST_FOR_P999 ? "-" : each(({ p999Ms }) => p999Ms), calls.toLocaleString("en"), cpu],
    ];
  };
  return table(
    ["", "a second", "× bare UPDATE", "p50 ms", "p99 ms", "p99.9 ms", "of calls", "CPU µs of the service"],
    [
      row("bare UPDATE", bare, "-"),
      row("bare UPDATE with NOTIFY", ringing, "-"),
      row("redemption over gRPC", redeemed, shown(median(redeemed.map(({ cpuUs }) => cpuUs)))),
    ],
  );
}

/** One use each, of the grants in turn. */
function uses(grants: readonly string[], count: number): string[] {
  return Array.from({ length: count }, (_, at) => {
    const request: RedeemRequest = {
      ...{ redemptionId: randomUUID(), grantId: grants[at % grants.length] ?? "", issuer: ISSUER, subject: "dana" },
      ...{ entitlement: "e", scope: "s", actors: [], digest: undefined },
    };
    return Buffer.from(RedeemRequest.encode(request).finish()).toString("base64");
  });
}
