/**
 * Sends what `http.send` asks. Each host on the way, redirects included, must be listed, and each address that it resolves to must be permitted
 * (listed-hosts.ts); the connection is made to those addresses, and no name is resolved twice. A response is read up to its limit while it
 * arrives. Connections are reused, except those with TLS settings of a call's own, as in OPA.
 */
import { isIP, type LookupFunction } from "node:net";
import { getCACertificates } from "node:tls";
import { Agent, buildConnector, type Dispatcher, interceptors, request } from "undici";
import type { AskedTls, HttpAsk, HttpReply } from "../../../core/policy/asks.ts";
import { bytesOfText, textOfBytes } from "../../../core/policy/rego-value/bytes.ts";
import { literalAddress } from "../../../platform/http/address-ranges.ts";
import type { ListedHosts } from "./listed-hosts.ts";
import type { Resolve } from "./names.ts";

export type HttpClient = AsyncDisposable & {
  /** One attempt. @throws NotListed, TooLarge, the signal's reason, or the connection's fault */
  send(ask: HttpAsk, signal: AbortSignal): Promise<HttpReply>;
};

/** A host, or one of its addresses, may not be asked. The message is safe to show. */
export class NotListed extends Error {
  override readonly name = "NotListed";
}

/** The answer has more bytes than an answer may have. */
export class TooLarge extends Error {
  override readonly name = "TooLarge";
}

type HttpClientDeps = { readonly resolve: Resolve; readonly hosts: ListedHosts };

/** As many as Go follows by default. */
const MAX_REDIRECTS = 10;
const CONNECTIONS_PER_ORIGIN = 64;
const DEFAULT_PORTS: ReadonlyMap<string, number> = new Map([
  ["http:", 80],
  ["https:", 443],
]);

export function createHttpClient(
  { resolve, hosts }: HttpClientDeps,
  { maxResponseBytes }: { readonly maxResponseBytes: number },
): HttpClient {
  const permittedLookup: LookupFunction = (name, options, found) => {
    resolve(name).then(
      (addresses) => {
        // Refused if any is refused: which of them is used must not be the resolver's choice.
        if (!addresses.every(hosts.mayLieAt)) return found(new NotListed(`address not allowed: ${name}`), "");
        const all = addresses.map((address) => ({ address, family: isIP(address) }));
        const [first] = all;
        if (first === undefined) return found(new Error(`no address: ${name}`), "");
        return options.all === true ? found(null, all) : found(null, first.address, first.family);
      },
      (error: unknown) => found(error instanceof Error ? error : new Error(`no address: ${name}`), ""),
    );
  };

  function agentFor(tls: AskedTls | undefined): Agent {
    const own = tls === undefined ? {} : tlsOptions(tls);
    const connect = buildConnector({ allowH2: false, lookup: permittedLookup, ...own });
    return new Agent({
      allowH2: false,
      connections: CONNECTIONS_PER_ORIGIN,
      // NB: undici takes the `Host` header for the name that a certificate has to have; without it, it is `tls_server_name` or the URL's.
      connect: (options, done) => connect({ ...options, servername: "" }, done),
    });
  }

  const shared = agentFor(undefined);
  const redirects = interceptors.redirect({ maxRedirections: MAX_REDIRECTS });

  function refusal({ protocol, hostname, port }: URL): NotListed | undefined {
    const usual = DEFAULT_PORTS.get(protocol);
    if (usual === undefined) return new NotListed(`unsupported protocol scheme: ${protocol}`);
    if (!hosts.isListed(hostname, port === "" ? usual : Number(port)))
      return new NotListed(`unallowed host: ${hostname}`);
    const address = literalAddress(hostname); // for which nothing is looked up
    return address === undefined || hosts.mayLieAt(address)
      ? undefined
      : new NotListed(`address not allowed: ${hostname}`);
  }

  /** Below the redirects, so that it sees each host on the way. */
  const onlyListed: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
    const refused = refusal(new URL(String(options.origin)));
    if (refused === undefined) return dispatch(options, handler);
    throw refused;
  };

  async function exchange(agent: Agent, ask: HttpAsk, signal: AbortSignal): Promise<HttpReply> {
    const url = new URL(ask.url);
    const listed = agent.compose(onlyListed);
    const { statusCode, statusText, headers, body } = await request(url, {
      dispatcher: ask.followsRedirects ? listed.compose(redirects) : listed,
      method: ask.method,
      headers: headersOf(ask, url),
      body: ask.body === undefined ? null : Buffer.from(bytesOfText(ask.body)),
      signal,
    });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body) {
      const bytes: Buffer = chunk;
      size += bytes.length;
      if (size > maxResponseBytes) throw new TooLarge(`the answer has more than ${maxResponseBytes} bytes`);
      chunks.push(bytes);
    }
    return {
      kind: "http",
      status: `${statusCode} ${statusText}`,
      statusCode,
      headers: Object.entries(headers).map(([name, value = []]) => [name, typeof value === "string" ? [value] : value]),
      body: textOfBytes(Buffer.concat(chunks)),
    };
  }

  return {
    async send(ask, signal) {
      if (ask.tls === undefined) return exchange(shared, ask, signal);
      const own = agentFor(ask.tls);
      try {
        return await exchange(own, ask, signal);
      } finally {
        await own.destroy();
      }
    },
    [Symbol.asyncDispose]: () => shared.destroy(),
  };
}

/** What belongs to the connection and not to the question: it is undici's to say. */
const OF_THE_CONNECTION = new Set("connection content-length expect keep-alive transfer-encoding upgrade".split(" "));

/**
 * NB: nothing unpacks an answer, so none that is packed is asked for: what is limited are the bytes that arrive. A value goes out as its bytes in
 * UTF-8, as from Go: undici would take characters above U+00FF for an error, by which a client could bring a question to nothing.
 */
function headersOf({ headers }: HttpAsk, { username, password }: URL): string[] {
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64");
  const usual = [
    ["user-agent", "countersign-policy/1"],
    ["accept-encoding", "identity"],
    ...(username === "" && password === "" ? [] : [["authorization", `Basic ${basic}`]]),
  ].filter(([name = ""]) => !given.has(name));
  return [...headers, ...usual]
    .filter(([name = ""]) => !OF_THE_CONNECTION.has(name.toLowerCase()))
    .flatMap(([name = "", value = ""]) => [name, Buffer.from(bytesOfText(value)).toString("latin1")]);
}

function tlsOptions({ ca, systemRoots, cert, key, serverName }: AskedTls) {
  return {
    ...(ca === undefined ? {} : { ca: systemRoots ? [...getCACertificates("default"), ca] : [ca] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}
