/**
 * Loopback ports: the usual ones where they are free, others where somebody else has them.
 *
 * A set claims each of its ports for as long as it lasts, by listening on the same number of another loopback address. NB: between the choice
 * and the moment in which our program listens, and while it is started again, the port itself is free. Another set that took it there would
 * answer in the place of ours, which looks as if ours were well.
 */
import { createServer } from "node:net";
import { codeOf } from "./data-folder.ts";

/** What each part usually listens on. */
const USUAL_PORTS = {
  gateway: 8080,
  orders: 8081,
  gatewayOps: 8082,
  issuer: 8083,
  decision: 9191,
  decisionOps: 9192,
  rest: 9200,
  redemption: 9201,
  approvalOps: 9202,
} as const;

export type Ports = { readonly [part in keyof typeof USUAL_PORTS]: number };

/** What people are shown them as, where that is another word. */
const SHOWN_AS: { readonly [part in keyof Ports]?: string } = { gateway: "proxy", rest: "approvals", issuer: "tokens" };

const LOOPBACK = "127.0.0.1";
/** Also of this machine alone. Linux has it without being told; macOS has not. */
const CLAIMS = "127.0.0.2";
/** More than there can be others in the way. */
const MOST_TRIES = 100;

/** `part` as it is shown. */
type Moved = { readonly part: string; readonly port: number; readonly usual: number };

type Chosen = AsyncDisposable & { readonly ports: Ports; readonly moved: readonly Moved[] };

/**
 * One free port for each part, ours until disposed; `moved` names those that are not the usual ones. `any`: free ones for all. Nothing is claimed
 * where this machine has no address `claimsAt`. @throws when no port is to be had.
 */
export async function choosePorts({ any = false, claimsAt = CLAIMS } = {}): Promise<Chosen> {
  const moved: Moved[] = [];
  const chosen = new Set<number>();
  await using claims = new AsyncDisposableStack();
  const canClaim = await isOurs(claimsAt);
  /** Also a usual one only when nobody listens on it. */
  const take = async (wanted: number): Promise<number | undefined> => {
    const claim = canClaim ? await listen(wanted, claimsAt) : undefined;
    if (canClaim && claim === undefined) return undefined;
    const free = await listen(claim?.port ?? wanted, LOOPBACK);
    await free?.[Symbol.asyncDispose]();
    if (free === undefined || chosen.has(free.port)) {
      await claim?.[Symbol.asyncDispose]();
      return undefined;
    }
    if (claim !== undefined) claims.use(claim);
    chosen.add(free.port);
    return free.port;
  };
  const takeAny = async (): Promise<number> => {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const port = await take(0);
      if (port !== undefined) return port;
    }
    throw new Error(`no port of ${LOOPBACK} is free after ${MOST_TRIES} tries; end what holds them, then start again`);
  };
  const choose = async (part: keyof Ports): Promise<number> => {
    const usual = USUAL_PORTS[part];
    if (!any && (await take(usual)) !== undefined) return usual;
    const port = await takeAny();
    if (!any) moved.push({ part: SHOWN_AS[part] ?? part, port, usual });
    return port;
  };
  const ports: Ports = {
    gateway: await choose("gateway"),
    orders: await choose("orders"),
    gatewayOps: await choose("gatewayOps"),
    issuer: await choose("issuer"),
    decision: await choose("decision"),
    decisionOps: await choose("decisionOps"),
    rest: await choose("rest"),
    redemption: await choose("redemption"),
    approvalOps: await choose("approvalOps"),
  };
  const all = claims.move();
  return { ports, moved, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function isOurs(address: string): Promise<boolean> {
  try {
    await (await listen(0, address))?.[Symbol.asyncDispose]();
    return true;
  } catch (error) {
    if (codeOf(error) === "EADDRNOTAVAIL") return false;
    throw error;
  }
}

/** Undefined when the port is taken. @throws for everything else that can be in the way. */
function listen(port: number, host: string): Promise<(AsyncDisposable & { readonly port: number }) | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error) => (codeOf(error) === "EADDRINUSE" ? resolve(undefined) : reject(error)));
    server.listen(port, host, () => {
      const address = server.address();
      if (typeof address !== "object" || address === null) return resolve(undefined);
      resolve({ port: address.port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() });
    });
  });
}
