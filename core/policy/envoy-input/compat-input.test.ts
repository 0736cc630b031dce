import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, file_google_protobuf_wrappers } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { regoOf } from "../rego-value/plain.ts";
import { RegoObject } from "../rego-value/value.ts";
import { createCompatInput } from "./compat-input.ts";
import { createGrpcBodies } from "./grpc-body.ts";
import { multipartForm } from "./multipart.ts";

const parts = (type: string, text: string) =>
  `--XX\r\nContent-Disposition: form-data; name="a"${type}\r\n\r\n${text}\r\n--XX--\r\n`;
const MULTIPART = "multipart/form-data; boundary=XX";

function input(http: object, options: { skip?: boolean; grpc?: ReturnType<typeof createGrpcBodies> } = {}) {
  const document = regoOf(JSON.parse(JSON.stringify({ attributes: { request: { http } } })));
  if (!(document instanceof RegoObject)) throw new Error("not an object");
  return createCompatInput(document, { skipRequestBodyParse: options.skip ?? false, grpcBodies: options.grpc });
}

function parsed(http: object, options = {}): unknown {
  const made = input(http, options);
  return made.kind === "input" ? JSON.parse(made.json) : made;
}

const body = (type: string, text: string, more: object = {}) => ({
  headers: { "content-type": type, ...more },
  path: "/p",
  body: text,
});

describe("a request that no policy is asked about", () => {
  test.each([
    ["a bad escape in the path", { path: "/%zz" }],
    ["a semicolon in the query", { path: "/?a=1;b=2" }],
    ["JSON that breaks off", body("application/json", '{"a":')],
    ["JSON with something after it", body("application/json", "{} x")],
    ["a content length that is no number", body("application/json", "{}", { "content-length": "7,7" })],
    ["a content length beyond 64 bits", body("application/json", "{}", { "content-length": "9223372036854775808" })],
    ["a form with a bad escape", body("application/x-www-form-urlencoded", "a=%zz")],
    ["a boundary that is empty", body("multipart/form-data; boundary=", parts("", "1"))],
    ["two boundaries", body("multipart/form-data; boundary=XX; boundary=YY", parts("", "1"))],
    ["a part that breaks off", body(MULTIPART, parts("", "1").slice(0, -10))],
    ["a JSON part that is empty", body(MULTIPART, parts("\r\nContent-Type: application/json", ""))],
  ])("%s", (_name, http) => {
    expect(input(http)).toMatchObject({ kind: "fault" });
  });
});

describe("what is not there is not made up", () => {
  test("a body shorter than it says counts as cut", () => {
    const seen = parsed(body("application/json", '{"a":1}', { "content-length": "8" }));
    expect(seen).toMatchObject({ parsed_body: null, truncated_body: true });
  });

  test("Envoy's word that a body is cut outweighs everything", () => {
    const seen = parsed(body("application/json", "{}", { "x-envoy-auth-partial-body": "true" }));
    expect(seen).toMatchObject({ parsed_body: null, truncated_body: true });
  });

  test.each([
    ["another type", body("text/plain", "x")],
    ["upper case", body("Application/JSON", "{}")],
    ["gRPC without a descriptor", body("application/grpc", "x")],
    ["no boundary", body("multipart/form-data", parts("", "1"))],
  ])("%s is no body", (_name, http) => {
    expect(parsed(http)).toMatchObject({ parsed_body: null, truncated_body: false });
  });

  test("with the body left alone both keys are absent", () => {
    const seen = parsed(body("application/json", "{"), { skip: true });
    expect(seen).not.toHaveProperty("parsed_body");
    expect(seen).not.toHaveProperty("truncated_body");
  });

  test("without attributes there is a path of one empty part", () => {
    const made = createCompatInput(new RegoObject([]), { skipRequestBodyParse: false, grpcBodies: undefined });
    expect(made.kind === "input" && JSON.parse(made.json)).toMatchObject({ parsed_path: [""], parsed_body: null });
  });
});

describe("bodies", () => {
  test("a form part by its name, in every way that a name can be written", () => {
    const text = [
      '--XX\r\nContent-Disposition: form-data; name="__proto__"\r\n\r\n1\r\n',
      "--XX\r\ncontent-disposition: form-data; name*=UTF-8''%c3%a9\r\n\r\n2\r\n",
      '--XX\r\nContent-Disposition: form-data;\r\n name="c"\r\n\r\nx--XX--y\r\n',
      '--XX\r\nContent-Disposition: form-data; name="q"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3D=\r\nb\r\n',
      "--XX--\r\n",
    ].join("");
    const made = input(body(MULTIPART, text));
    expect(made.kind === "input" && made.json).toContain(
      '"parsed_body":{"__proto__":["1"],"é":["2"],"c":["x--XX--y"],"q":["a=b"]}',
    );
  });

  test("JSON keeps the text of its numbers and the last of equal keys", () => {
    const made = input(body("application/json", '{"n":9007199254740993,"a":1,"a":1.0}'));
    expect(made.kind === "input" && made.json).toContain('"parsed_body":{"n":9007199254740993,"a":1.0}');
  });

  test("no multipart body throws", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("--XX", "--", "\r\n", "\n", " ", ":", "a", ";", '"', "Content-Disposition"), {
          size: "max",
          maxLength: 200,
        }),
        (pieces) => {
          expect(["parts", "fault"]).toContain(multipartForm(pieces.join(""), "XX").kind);
        },
      ),
    );
  });
});

describe("gRPC bodies", () => {
  const method = { name: "Say", inputType: ".google.protobuf.StringValue", outputType: ".google.protobuf.StringValue" };
  const set = create(FileDescriptorSetSchema, {
    file: [
      file_google_protobuf_wrappers.proto,
      {
        name: "t.proto",
        package: "t",
        dependency: ["google/protobuf/wrappers.proto"],
        syntax: "proto3",
        messageType: [
          {
            name: "Order",
            field: [
              { name: "cents", number: 1, type: 3, label: 1, jsonName: "cents" },
              { name: "id", number: 2, type: 9, label: 1, jsonName: "id" },
              { name: "weight", number: 3, type: 2, label: 1, jsonName: "weight" },
            ],
          },
        ],
        service: [
          {
            name: "S",
            method: [
              { ...method, inputType: ".t.Order" },
              { ...method, name: "Stream", clientStreaming: true },
            ],
          },
        ],
      },
    ],
  });
  const grpc = createGrpcBodies(toBinary(FileDescriptorSetSchema, set));
  const frame = (hex: string, flag = 0) => {
    const message = Buffer.from(hex, "hex");
    const head = Buffer.from([flag, 0, 0, 0, message.length]);
    return Buffer.concat([head, message]);
  };

  test("a descriptor that is none is refused when it is loaded", () => {
    expect(() => createGrpcBodies(Buffer.from("no descriptor"))).toThrow("proto descriptor");
  });

  test.each([
    ["three parts of a path", ["t.S", "Say", "x"], frame("0805")],
    ["four bytes", ["t.S", "Say"], Buffer.alloc(4)],
    ["text that is not UTF-8", ["t.S", "Say"], frame("1201ff")],
    ["a message that breaks off", ["t.S", "Say"], frame("120561")],
  ])("%s is a fault", (_name, path, bytes) => {
    expect(grpc.parse(path, bytes)).toMatchObject({ kind: "fault" });
  });

  test.each([
    ["an unknown method", ["t.S", "Nope"], frame("0805"), false],
    ["client streaming", ["t.S", "Stream"], frame("0805"), false],
    ["a compressed message", ["t.S", "Say"], frame("0805", 1), false],
    ["a frame longer than the body", ["t.S", "Say"], frame("0805").subarray(0, 6), true],
  ])("%s is no body", (_name, path, bytes, truncated) => {
    expect(grpc.parse(path, bytes)).toEqual({ kind: "parsed", body: null, truncated });
  });

  test("a record of the wrong wire type is not read as the field that a server would not see", () => {
    // cents as text of five bytes: read as a number it would be 5, and what follows would be fields
    const hidden = grpc.parse(["t.S", "Say"], frame("0a05120378797a120161"));
    expect(hidden).toMatchObject({ kind: "parsed" });
    expect(hidden.kind === "parsed" && hidden.body).toEqual(new RegoObject([["id", "a"]]));
  });

  test("64-bit numbers are text and a float has the digits of a float", () => {
    const made = grpc.parse(["t.S", "Say"], frame("08818080808080801012016f1dcdcccc3d"));
    expect(JSON.stringify(made.kind === "parsed" && made.body instanceof RegoObject && [...made.body.entries()])).toBe(
      '[["cents","9007199254740993"],["id","o"],["weight",{"text":"0.1"}]]',
    );
  });
});
