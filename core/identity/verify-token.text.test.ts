/** Texts that are no token, or could be read in two ways. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { claims, encode, keys, signedText, token } from "../../test/samples/tokens.ts";
import { verifier } from "../../test/samples/token-verifier.ts";

describe("the text of a token", () => {
  const { outcome } = verifier();
  const good = token();
  const [header = "", payload = "", signature = ""] = good.split(".");
  const signText = (h: string, p: string) => signedText(h, p, "EdDSA", keys.ed25519.privateKey);
  const plain = '{"alg":"EdDSA","kid":"ed25519"}';

  test.each([
    ["nothing", ""],
    ["two parts", `${header}.${payload}`],
    ["four parts", `${good}.x`],
    ["five parts, as if encrypted", "a.b.c.d.e"],
    ["an empty signature", `${header}.${payload}.`],
    ["padding", `${header}=.${payload}.${signature}`],
    ["plain base64", `${header}.${payload}+/.${signature}`],
    ["a line break", `${header}\n.${payload}.${signature}`],
    ["a space inside", `${header}.${payload.slice(0, 9)} ${payload.slice(9)}.${signature}`],
    ["unused bits set", `${header}.${payload}.${signature.slice(0, -1)}${signature.endsWith("A") ? "B" : "_"}`],
    ["a huge token", token(claims({ blob: "x".repeat(16_384) }))],
    ["an array as payload", signText(plain, "[]")],
    ["JSON followed by more", signText(plain, `${JSON.stringify(claims())}x`)],
    ["a byte order mark", signText(plain, `\ufeff${JSON.stringify(claims())}`)],
    ["a name given twice", signText(plain, `{"sub":"max",${JSON.stringify(claims()).slice(1)}`)],
    ["a name given twice, once escaped", signText(plain, `{"s\\u0075b":"max",${JSON.stringify(claims()).slice(1)}`)],
    ["a name given twice deep inside", signText(plain, `{"x":[{"a":1,"a":2}],${JSON.stringify(claims()).slice(1)}`)],
    ["alg given twice", signText('{"alg":"none","alg":"EdDSA","kid":"ed25519"}', JSON.stringify(claims()))],
    ["half a surrogate pair as subject", token(claims({ sub: "dana\ud800" }))],
    ["half a surrogate pair in an actor", token(claims({ act: { sub: "agent\udc00" } }))],
    ["half a surrogate pair in a name of a claim", token(claims({ "\ud800": 1 }))],
    ["a number beyond doubles", signText(plain, `{"x":1e999,${JSON.stringify(claims()).slice(1)}`)],
    [
      "deep nesting",
      signText(plain, `{"x":${"[".repeat(4_000)}${"]".repeat(4_000)},${JSON.stringify(claims()).slice(1)}`),
    ],
  ])("%s is malformed", (_name, text) => {
    expect(outcome(text)).toBe("credential_malformed");
  });

  test("invalid UTF-8 is malformed", () => {
    const bytes = Buffer.concat([Buffer.from('{"sub":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(outcome(`${header}.${bytes.toString("base64url")}.${signature}`)).toBe("credential_malformed");
  });

  test("colons and braces inside strings count as text", () => {
    const odd = 'a":"b\\"{:}';
    expect(outcome(token(claims({ odd, [odd]: [odd, { [odd]: odd }] })))).toBe("subject");
  });

  test("a header that was read before vouches for nothing behind it, and many others in between change nothing", () => {
    const { outcome: ask } = verifier();
    expect(ask(good)).toBe("subject");
    expect(ask(`${header}.${payload}.${"A".repeat(86)}`)).toBe("credential_signature_invalid");
    expect(ask(`${header}.e30.${signature}`)).toBe("credential_issuer_unknown");
    expect(ask(`${header}.${header.slice(1)}.${signature}`)).toBe("credential_malformed");
    expect(ask(`${header}.${payload}.`)).toBe("credential_malformed");
    for (let at = 0; at < 100; at += 1)
      expect(ask(token(claims(), { kid: `key ${at}` }))).toBe("credential_key_unknown");
    expect(ask(token(claims(), { kid: "key 0" }))).toBe("credential_key_unknown");
    expect(ask(good)).toBe("subject");
  });

  test("a header that changes what the rest means is refused each time", () => {
    const { outcome: ask } = verifier();
    const critical = token(claims(), { crit: ["exp"], exp: 1 });
    for (let time = 0; time < 3; time += 1) expect(ask(critical)).toBe("credential_malformed");
  });

  test("no change of one character is believed", () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.constantFrom(..."ABCdef019-_.= "), (at, char) => {
        fc.pre(good[at] !== char);
        expect(outcome(good.slice(0, at) + char + good.slice(at + 1))).not.toBe("subject");
      }),
      { numRuns: 500 },
    );
  });

  test("any bytes give a refusal and never an exception", () => {
    const part = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json().map(encode),
      fc.constantFrom(header, payload, signature),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const text = parts.join(".");
        fc.pre(text !== good);
        expect(outcome(text)).toMatch(/^credential_/);
      }),
      { numRuns: 1_000 },
    );
  });
});
