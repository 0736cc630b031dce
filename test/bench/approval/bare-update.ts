/** The floor of a redemption, a process of its own: one UPDATE of one row by its key, committed, over and over by so many callers. */
import pg from "pg";
import { setTimeout as sleep } from "node:timers/promises";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { answerWith, given } from "../child.ts";
import { quantile } from "../figures.ts";

const SpecSchema = Type.Object({
  connection: Type.String(),
  /** With columns `id` and `uses`. */
  table: Type.Union([Type.Literal("bare"), Type.Literal("bare_ringing")]),
  rows: Type.Array(Type.String(), { minItems: 1 }),
  streams: Type.Integer(),
  warmUpS: Type.Number(),
  seconds: Type.Number(),
});
export type BareUpdateSpec = Static<typeof SpecSchema>;

/** As many connections as the service has. */
const CONNECTIONS = 10;

async function update({ connection, table, rows, streams, warmUpS, seconds }: BareUpdateSpec) {
  const pool = new pg.Pool({ connectionString: connection, max: CONNECTIONS });
  const latencies: number[] = [];
  let measuring = false;
  let ended = false;
  let begun = 0;
  const running = Array.from({ length: streams }, async () => {
    while (!ended) {
      const row = rows[begun % rows.length];
      begun += 1;
      const from = performance.now();
      await pool.query({ name: "use", text: `update ${table} set uses = uses + 1 where id = $1`, values: [row] });
      if (measuring) latencies.push(performance.now() - from);
    }
  });
  await sleep(warmUpS * 1_000);
  measuring = true;
  const from = performance.now();
  await sleep(seconds * 1_000);
  measuring = false;
  const ms = performance.now() - from;
  ended = true;
  await Promise.all(running);
  await pool.end();
  return {
    perS: (latencies.length * 1_000) / ms,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    p999Ms: quantile(latencies, 0.999),
  };
}

if (process.argv[1] === import.meta.filename) answerWith(await update(Compile(SpecSchema).Parse(await given())));
