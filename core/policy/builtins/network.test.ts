/** What `http.send` asks and what it makes of a reply, by OPA v1.20.2 (v1/topdown/http.go and its tests). */
import { describe, expect, test } from "@jest/globals";
import { builtinCall, runBuiltin } from "../../../test/harness/run-builtin.ts";
import { type Ask, type HttpAsk, type HttpReply, type Reply, Unanswered } from "../asks.ts";

const TO = '"method": "get", "url": "https://api.example.com/a?b=c"';

/** The question behind the first call. */
function asked(request: string): { readonly ask: Ask; readonly key: string } {
  try {
    runBuiltin("http.send", `[${request}]`);
  } catch (error) {
    if (error instanceof Unanswered) return error;
    throw error;
  }
  throw new Error("nothing was asked");
}

function http(request: string): HttpAsk {
  const { ask } = asked(request);
  if (ask.kind !== "http") throw new Error("no HTTP request");
  return ask;
}

const answered = (request: string, reply: Reply) =>
  runBuiltin("http.send", `[${request}]`, { ...builtinCall, reply: () => reply });
const replyOf = (body: string, type?: string): HttpReply => ({
  ...{ kind: "http", status: "200 OK", statusCode: 200, body },
  headers: type === undefined ? [] : [["content-type", [type]]],
});

describe("an error at the call", () => {
  test.each([
    ["a field that OPA does not know", `{${TO}, "bad_key": 1}`],
    ["no url", '{"method": "get"}'],
    ["a url that is no text", '{"method": "get", "url": 1}'],
    ["headers that are no object", `{${TO}, "headers": ["a"]}`],
    ["a header that is no text", `{${TO}, "headers": {"a": 1}}`],
    ["a timeout without a meaning", `{${TO}, "timeout": "soon"}`],
    ["a timeout longer than any number", `{${TO}, "timeout": "${"9".repeat(400)}"}`],
    ["a timeout in days, which Go does not know", `{${TO}, "timeout": "1d"}`],
    ["force_cache without a duration", `{${TO}, "force_cache": true}`],
    ["an unknown way to cache", `{${TO}, "caching_mode": "never"}`],
    ["a certificate that is not verified", `{${TO}, "tls_insecure_skip_verify": true}`],
    ["a file of this process", `{${TO}, "tls_ca_cert_file": "/etc/ssl/ca.pem"}`],
    ["a variable of this process", `{${TO}, "tls_client_key_env_variable": "KEY"}`],
    ["a client certificate without its key", `{${TO}, "tls_client_cert": "x"}`],
  ])("%s", (_, request) => {
    expect(runBuiltin("http.send", `[${request}]`)).toBe("error");
  });

  test("is an answer where the policy wants to be told", () => {
    const told = runBuiltin("http.send", `[{${TO}, "raise_error": false, "tls_ca_cert_file": "ca.pem"}]`);
    expect(told).toBe(
      '{"error": {"code": "eval_http_send_internal_error", "message": "{\\"tls_ca_cert_file\\"} is not served here: give the certificate or key itself"}, "status_code": 0}',
    );
  });
});

test("what goes out is what the request says, with the defaults of OPA", () => {
  expect(http(`{${TO}}`)).toEqual({
    ...{ kind: "http", method: "GET", url: "https://api.example.com/a?b=c", headers: [], body: undefined },
    ...{ followsRedirects: false, timeoutMs: undefined, retries: 0, tls: undefined, cache: undefined },
  });
  const whole = `{${TO}, "headers": {"X-A": "1"}, "body": {"b": [1, "<"], "a": {2}}, "enable_redirect": true, "timeout": "1.5s",
    "max_retry_attempts": 2, "force_cache": true, "force_cache_duration_seconds": 60, "tls_server_name": "inside"}`;
  expect(http(whole)).toMatchObject({
    ...{ headers: [["X-A", "1"]], body: '{"a":[2],"b":[1,"\\u003c"]}', followsRedirects: true, timeoutMs: 1_500 },
    ...{ retries: 2, cache: { forSeconds: 60 }, tls: { serverName: "inside" } },
  });
});

test("a raw body goes before a body; a timeout without a unit is of nanoseconds", () => {
  const ask = http(`{${TO}, "body": {"a": 1}, "raw_body": "a=1", "timeout": 250000000}`);
  expect(ask).toMatchObject({ body: "a=1", timeoutMs: 250 });
  expect(http(`{${TO}, "timeout": "250000000"}`).timeoutMs).toBe(250);
});

test("headers that are not to count do not tell two requests apart, and all others do", () => {
  const key = (header: string, ignored: string) =>
    asked(`{${TO}, "headers": {"a": "${header}"}, "cache_ignored_headers": ${ignored}}`).key;
  expect(key("1", '["a"]')).toBe(key("2", '["a"]'));
  expect(key("1", '["b"]')).not.toBe(key("2", '["b"]'));
});

describe("a reply", () => {
  const bodyOf = (request: string, reply: Reply) => /"body": (.*), "headers"/.exec(answered(request, reply))?.[1];

  test("has status, headers as lists, and the body as it came", () => {
    expect(answered(`{${TO}}`, { ...replyOf("plain", "text/plain"), status: "404 Not Found", statusCode: 404 })).toBe(
      '{"body": null, "headers": {"content-type": ["text/plain"]}, "raw_body": "plain", "status": "404 Not Found", "status_code": 404}',
    );
  });

  test.each([
    [
      "JSON by its type, to the last digit",
      TO,
      '{"n": 9007199254740993}',
      "application/json",
      '{"n": 9007199254740993}',
    ],
    ["JSON by a type of its family", TO, "[1]", "application/problem+json; charset=utf-8", "[1]"],
    ["no JSON by another type", TO, "[1]", "text/plain", "null"],
    ["JSON because the policy says so", `${TO}, "force_json_decode": true`, "[1]", "text/plain", "[1]"],
    ["null for what is no JSON", TO, "{oops", "application/json", "null"],
    ["YAML by its type", TO, "a: 1", "application/yaml", '{"a": 1}'],
    ["YAML because the policy says so", `${TO}, "force_yaml_decode": true`, "a: 1", "text/plain", '{"a": 1}'],
    ["null for what is no YAML", TO, "{oops", "application/yaml", "null"],
  ])("is %s", (_, fields, body, type, decoded) => {
    expect(bodyOf(`{${fields}}`, replyOf(body, type))).toBe(decoded);
  });

  test("that there was none is an error, or an answer where the policy wants to be told", () => {
    const none: Reply = { kind: "failed", code: "network", message: "api.example.com: ECONNREFUSED" };
    expect(answered(`{${TO}}`, none)).toBe("error");
    expect(answered(`{${TO}, "raise_error": false}`, none)).toBe(
      '{"error": {"code": "eval_http_send_network_error", "message": "api.example.com: ECONNREFUSED"}, "status_code": 0}',
    );
  });

  test("is paid for by what is read of it", () => {
    let paid = 0;
    const call = { ...builtinCall, pay: (units: number) => void (paid += units) };
    const reply = replyOf(JSON.stringify(Array.from({ length: 1_000 }, (_, at) => at)), "application/json");
    runBuiltin("http.send", `[{${TO}}]`, { ...call, reply: () => reply });
    expect(paid).toBeGreaterThan(300_000);
  });
});

test("the addresses of a name are a set in order", () => {
  const reply: Reply = { kind: "addresses", addresses: ["10.0.0.2", "10.0.0.1", "10.0.0.2"] };
  const told = runBuiltin("net.lookup_ip_addr", '["a.example"]', { ...builtinCall, reply: () => reply });
  expect(told).toBe('{"10.0.0.1", "10.0.0.2"}');
  expect(runBuiltin("net.lookup_ip_addr", "[1]")).toBe("error");
});
