/**
 * A loopback port that nobody listens on, and that this process has not given out before. It lies below the range from which systems take
 * ports for outgoing connections (from 32768 on Linux, 49152 elsewhere): a server that is down for a while and comes back on its port must
 * not find a client there, and a client that keeps trying must not by chance connect to itself.
 */
import { createServer } from "node:net";

const FIRST = 12_000;
const COUNT = 20_000;
const TRIES = 100;

const given = new Set<number>();

export async function freePort(): Promise<number> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port found in ${TRIES} tries`);
}

/** Gives the first of so many in a row. */
export async function freePortsInARow(count: number): Promise<number> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const first = await freePort();
    const others = Array.from({ length: count - 1 }, (_, at) => first + 1 + at);
    const free = await Promise.all(others.map(async (port) => !given.has(port) && (await isFree(port))));
    if (free.includes(false)) continue;
    for (const port of others) given.add(port);
    return first;
  }
  throw new Error(`no ${count} free ports in a row found in ${TRIES} tries`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
