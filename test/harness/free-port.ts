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

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
