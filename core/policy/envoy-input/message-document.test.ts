import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { AppError } from "../../domain/app-error.ts";
import { writeJson } from "../rego-value/write.ts";
import { messageDocument } from "./message-document.ts";

const file = new URL("../../../proto/descriptor/check.binpb", import.meta.url);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(file)));
const found = registry.getMessage("envoy.service.auth.v3.CheckRequest");
if (found === undefined) throw new Error("no CheckRequest");
const desc = found;

const documentOf = (hex: string) => writeJson(messageDocument(desc, Buffer.from(hex, "hex")));

describe("refused", () => {
  test.each([
    ["a header value that is not UTF-8", "0a0c220a12081a060a01611201ff"],
    ["a path that is not UTF-8", "0a082206120422022fff"],
    ["random bytes", "deadbeef00ff"],
    ["a message cut in the middle", "0a0822061204220"],
  ])("%s", (_name, hex) => {
    expect(() => documentOf(hex)).toThrow(AppError);
  });

  test("metadata nested beyond the limit", () => {
    let value: Buffer = Buffer.from([0x20, 0x01]);
    const wrap = (tag: number, inner: Buffer) => {
      const size: number[] = [];
      for (let rest = inner.length; ; rest >>>= 7) {
        if (rest < 128) {
          size.push(rest);
          break;
        }
        size.push((rest & 127) | 128);
      }
      return Buffer.concat([Buffer.from([tag, ...size]), inner]);
    };
    for (let depth = 0; depth < 600; depth++) value = wrap(0x32, wrap(0x0a, value));
    const entry = wrap(0x0a, Buffer.concat([Buffer.from("0a0166", "hex"), wrap(0x12, Buffer.alloc(0)), value]));
    expect(documentOf(wrap(0x0a, wrap(0x5a, entry)).toString("hex"))).toContain("attributes");
    const struct = wrap(0x0a, Buffer.concat([Buffer.from("0a016e", "hex"), wrap(0x12, value)]));
    const metadata = wrap(0x0a, Buffer.concat([Buffer.from("0a0166", "hex"), wrap(0x12, struct)]));
    expect(() => documentOf(wrap(0x0a, wrap(0x5a, metadata)).toString("hex"))).toThrow(AppError);
  });

  test("whatever the bytes are, the only fault is an AppError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          messageDocument(desc, bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
    );
  });
});

describe("read as Go reads it", () => {
  test.each([
    ["a record of the wrong wire type is unknown", "0801", "{}"],
    ["a group in place of a message is unknown", "0b0c", "{}"],
    ["a zero that is written out is absent", "0a06220412024800", '{"attributes":{"request":{"http":{}}}}'],
    ["two pieces of one message are one", "0a112206120422022f61220712051203474554", "GET"],
    ["the last of two equal map keys counts", "0a14221212101a060a01611201311a060a0161120132", '{"a":"2"}'],
    ["a number that is none is text", "0a195a170a150a016612100a0e0a016e120911000000000000f87f", '"NaN"'],
    ["minus zero keeps its sign", "0a195a170a150a016612100a0e0a016e1209110000000000000080", '{"n":-0}'],
    ["a value of no kind is null", "0a105a0e0a0c0a016612070a050a016e1200", '{"n":null}'],
    ["an unknown enum stays a number", "0a110a0f0a0d0a0b08091207312e322e332e34", '"protocol":9'],
    [
      "of two members of a oneof the last counts",
      "0a150a130a110a091207312e322e332e3412040a022f70",
      '{"pipe":{"path":"/p"}}',
    ],
  ])("%s", (_name, hex, expected) => {
    expect(documentOf(hex)).toContain(expected);
  });
});
