/**
 * Loopback ports: the usual ones where they are free, others where somebody else has them.
 *
 * A set claims each of its ports for as long as it lasts, by listening on the same number of another loopback address. NB: between the choice
 * and the moment in which our program listens, and while it is started again, the port itself is free. Another set that took it there would
 * answer in the place of ours, which looks as if ours were well.
 */
import { createServer } from "node:net";

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
/** Also of this machine alone. Linux has it without being told. */
const CLAIMS = "127.0.0.2";

/** `part` as it is shown. */
type Moved = { readonly part: string; readonly port: number; readonly usual: number };

type Chosen = AsyncDisposable & { readonly ports: Ports; readonly moved: readonly Moved[] };

/** One free port for each part, ours until disposed; `moved` names those that are not the usual ones. `any`: free ones for all. */
export async function choosePorts(any = false): Promise<Chosen> {
  const moved: Moved[] = [];
  await using claims = new AsyncDisposableStack();
  /** Also a usual one only when nobody listens on it. */
  const take = async (wanted: number): Promise<number | undefined> => {
    const claim = await listen(wanted, CLAIMS);
    if (claim === undefined) return undefined;
    const free = await listen(claim.port, LOOPBACK);
    await free?.[Symbol.asyncDispose]();
    if (free === undefined) await claim[Symbol.asyncDispose]();
    else claims.use(claim);
    return free?.port;
  };
  const choose = async (part: keyof Ports): Promise<number> => {
    const usual = USUAL_PORTS[part];
    if (!any && (await take(usual)) !== undefined) return usual;
    let port = await take(0);
    while (port === undefined) port = await take(0);
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

/** Undefined when the port is taken. */
function listen(port: number, host: string): Promise<(AsyncDisposable & { readonly port: number }) | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", () => resolve(undefined));
    server.listen(port, host, () => {
      const address = server.address();
      if (typeof address !== "object" || address === null) return resolve(undefined);
      resolve({ port: address.port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() });
    });
  });
}
