/**
 * The bodies of the edge matrix as frames of HTTP/2, with or without a length, which may lie; trailers; and streams that are reset or left open.
 */
import type { Http2Fields, Http2Request } from "../../harness/http2-request.ts";
import { type Http2Variant, pseudo, SMUGGLED } from "./http2-variants.ts";
import { LIMIT, READ, ROUTES, SIZES } from "./variants.ts";

const TRAILERS: readonly Http2Fields[] = [
  [["x-plain", "1"]],
  [["countersign-subject", "max"]],
  [["content-length", "3"]],
  [["transfer-encoding", "chunked"]],
  [["X-Upper", "1"]],
  [[":path", "/evil"]],
  [["x-plain", SMUGGLED]],
  [
    ["x-variant", "evil"],
    ["host", "evil.example"],
  ],
];
/** For whoever frames anew what comes without a length. */
const INNER = Buffer.from("0\r\n\r\nGET /evil HTTP/1.1\r\nhost: orders.example\r\n\r\n");

export const bodiesOfHttp2 = ROUTES.flatMap((path) => {
  const post = (
    what: string,
    fields: Http2Fields,
    more: Pick<Http2Request, "data"> & Partial<Http2Variant>,
  ): Http2Variant => ({
    ...{
      name: `POST ${path}: ${what}`,
      fields: [...pseudo({ method: "POST", path }), ...fields],
      ends: "end",
      isCutOff: false,
    },
    ...more,
  });
  const length = (bytes: number | string) => ["content-length", String(bytes)] as const;
  const ten = Buffer.alloc(10, "z");
  return [
    post("nothing", [], { data: [] }),
    ...SIZES.flatMap((size) => {
      const body = Buffer.alloc(size, "x");
      return [
        post(`${size} bytes`, [length(size)], { data: [body] }),
        post(`${size} bytes without a length`, [], { data: [body] }),
        post(`${size} bytes and an empty frame`, [], { data: [body, Buffer.alloc(0)] }),
      ];
    }),
    ...READ.map(([type, text]) => post(`${type}: ${text}`, [["content-type", type]], { data: [Buffer.from(text)] })),
    post("a request inside", [], { data: [INNER] }),
    post("a request inside, and said to be chunked", [["transfer-encoding", "chunked"]], { data: [INNER] }),
    post("a request inside, behind a length of 0", [length(0)], { data: [INNER], isCutOff: true }),
    ...[0, 1, 9, 11, LIMIT].map((said) =>
      post(`10 bytes, said to be ${said}`, [length(said)], { data: [ten], isCutOff: true }),
    ),
    post("nothing, said to be 10", [length(10)], { data: [], isCutOff: true }),
    post("10 bytes, said to be 10 and 11", [length(10), length(11)], { data: [ten], isCutOff: true }),
    ...["+10", "0xa", "10, 10", " 10", "1e1", "-10"].map((said) =>
      post(`10 bytes, said to be ${said}`, [length(said)], { data: [ten] }),
    ),
    ...TRAILERS.flatMap((trailers) => [
      post(`trailers ${JSON.stringify(trailers)}`, [], { data: [ten], trailers }),
      post(`trailers ${JSON.stringify(trailers)} and no body`, [["te", "trailers"]], { data: [], trailers }),
    ]),
    ...(["reset", "stall"] as const).flatMap((ends) => [
      post(`${ends} before its body`, [], { data: [], ends, isCutOff: true }),
      post(`${ends} inside its body`, [], { data: [ten], ends, isCutOff: true }),
      post(`${ends} inside its body of a length`, [length(11)], { data: [ten], ends, isCutOff: true }),
      post(`${ends} at the end of its length`, [length(10)], { data: [ten], ends }),
    ]),
  ];
});
