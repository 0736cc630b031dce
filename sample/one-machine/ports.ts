/** Loopback ports: the usual ones where they are free, others where somebody else has them. */
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

/** `part` as it is shown. */
type Moved = { readonly part: string; readonly port: number; readonly usual: number };

/** One free port for each part; `moved` names those that are not the usual ones. `any`: free ones for all. */
export async function choosePorts(any = false): Promise<{ readonly ports: Ports; readonly moved: readonly Moved[] }> {
  const moved: Moved[] = [];
  const taken = new Set<number>();
  const choose = async (part: keyof Ports): Promise<number> => {
    const usual = USUAL_PORTS[part];
    if (!any && (await bind(usual)) === usual) return usual;
    let port = await bind(0);
    while (port === undefined || taken.has(port)) port = await bind(0);
    taken.add(port);
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
  return { ports, moved };
}

/** The port that could be had, and is free again; undefined when it is taken. */
function bind(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : undefined));
    });
  });
}
