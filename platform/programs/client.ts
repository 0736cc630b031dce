/** One person at a keyboard: calls through the proxy and to the approval service with one bearer token. Knows no domain word. */

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed when it is JSON, else the text. */
  readonly body: unknown;
};

type Sent = { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> };
export type Call = (method: string, path: string, sent?: Sent) => Promise<Answer>;

/** `token` undefined: nobody in particular. A call without an answer rejects after 20 s. */
export function createCall(baseUrl: string, token: string | undefined): Call {
  return async (method, path, { body, headers = {} } = {}) => {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    return { status: response.status, headers: response.headers, body: parsed(await response.text()) };
  };
}

/** The member of a JSON body that has to be there, such as `textAt(body, "request", "id")`. @throws naming the path. */
export function textAt(body: unknown, ...path: readonly string[]): string {
  const value = path.reduce<unknown>((at, name) => {
    const members = new Map<string, unknown>(typeof at === "object" && at !== null ? Object.entries(at) : []);
    return members.get(name);
  }, body);
  if (typeof value !== "string") throw new Error(`no text at ${path.join(".")} of ${JSON.stringify(body)}`);
  return value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
