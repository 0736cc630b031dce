/**
 * Whether a request is malformed in HTTP/2 (RFC 9113 sections 8.1.1 to 8.3): such a request a server ends by an error of the stream or of the connection, which is
 * its refusal; Envoy closes the connection. It resets a stream that names a field with an underscore (`headers_with_underscores_action`). Everything else
 * is answered.
 */
import type { Http2Fields, Http2Request } from "../../harness/http2-request.ts";

/** RFC 9110 section 5.6.2, in lower case. */
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110 section 5.5: no control character, and nothing blank around it. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
/** RFC 3986 section 3.2, without the name of a user. */
const AUTHORITY = /^[\w.~!$&'()*+,;=:[\]%-]+$/;
const REQUIRED: readonly (readonly [name: string, value: RegExp])[] = [
  [":method", METHOD],
  [":scheme", /^[A-Za-z][A-Za-z0-9+.-]*$/],
  [":path", /^\/[\x21-\x7f\x80-\xff]*$/],
];
const OF_A_CONNECTION = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

export function isMalformed({ fields, data, trailers = [], ends }: Http2Request): boolean {
  const pseudo = fields.filter(([name]) => name.startsWith(":"));
  const regular = fields.filter(([name]) => !name.startsWith(":"));
  return (
    isPseudoMalformed(pseudo) ||
    (fields.findIndex(([name]) => !name.startsWith(":")) < fields.findLastIndex(([name]) => name.startsWith(":")) &&
      regular.length > 0) ||
    [...regular, ...trailers].some(isFieldMalformed) ||
    trailers.some(([name]) => name === "content-length") ||
    isHostWrong(pseudo, regular) ||
    isLengthWrong(
      regular,
      data.reduce((sum, { length }) => sum + length, 0),
      ends === "end",
    )
  );
}

function isPseudoMalformed(pseudo: Http2Fields): boolean {
  const names = pseudo.map(([name]) => name);
  const authority = new Map(pseudo).get(":authority");
  return (
    new Set(names).size < names.length ||
    names.some((name) => ![":method", ":scheme", ":authority", ":path"].includes(name)) ||
    pseudo.some(([, value]) => !VALUE.test(value)) ||
    (authority !== undefined && !AUTHORITY.test(authority)) ||
    new Map(pseudo).get(":method") === "CONNECT" ||
    REQUIRED.some(([name, value]) => !value.test(new Map(pseudo).get(name) ?? ""))
  );
}

function isFieldMalformed([name, value]: readonly [string, string]): boolean {
  if (name.includes("_") || !NAME.test(name) || !VALUE.test(value) || OF_A_CONNECTION.includes(name)) return true;
  if (name === "host") return !AUTHORITY.test(value);
  return name === "te" && value.toLowerCase() !== "trailers";
}

/** Nobody is asked for, or several are: RFC 9113 section 8.3.1. */
function isHostWrong(pseudo: Http2Fields, regular: Http2Fields): boolean {
  const hosts = regular.filter(([name]) => name === "host").length;
  return hosts > 1 || (hosts === 0 && !pseudo.some(([name]) => name === ":authority"));
}

function isLengthWrong(fields: Http2Fields, bytes: number, isWhole: boolean): boolean {
  const said = fields.filter(([name]) => name === "content-length").map(([, value]) => value);
  return (
    said.length > 1 ||
    said.some((value) => !/^\d+$/.test(value) || (isWhole ? Number(value) !== bytes : Number(value) < bytes))
  );
}
