/**
 * The parts of a multipart body as Go's mime/multipart gives them. Text is one byte per character throughout, so that
 * bytes which are not UTF-8 stay what they are. A body that ends inside the header of a part ends there in silence, as it
 * does in Go; one that ends inside a part is a fault.
 */
import { withoutEnds } from "../without-ends.ts";
import { parseMediaType } from "./media-type.ts";
import { decodeQuotedPrintable } from "./quoted-printable.ts";

/** A part with a form name. `contentType` is empty when the part states none. */
type FormPart = { readonly name: string; readonly contentType: string; readonly content: string };
type FormParts =
  | { readonly kind: "parts"; readonly parts: readonly FormPart[] }
  | { readonly kind: "fault"; readonly message: string };

const fault = (message: string) => ({ kind: "fault", message }) as const;

export function multipartForm(body: string, boundary: string): FormParts {
  if (boundary === "") return fault("multipart: boundary is empty");
  const reader = new PartReader(body, boundary);
  const parts: FormPart[] = [];
  for (;;) {
    const next = reader.next();
    if (next.kind === "end") return { kind: "parts", parts };
    if (next.kind === "fault") return next;
    const name = formName(next.headers.get("content-disposition") ?? "");
    if (name === "") continue;
    if (next.cut) return fault("unexpected EOF");
    const encoded = next.headers.get("content-transfer-encoding")?.toLowerCase() === "quoted-printable";
    const decoded = encoded ? decodeQuotedPrintable(next.content) : ({ kind: "text", text: next.content } as const);
    if (decoded.kind === "fault") return decoded;
    parts.push({ name, contentType: next.headers.get("content-type") ?? "", content: decoded.text });
  }
}

function formName(disposition: string): string {
  const parsed = parseMediaType(disposition);
  return parsed.kind === "parsed" && parsed.type === "form-data" ? (parsed.parameters.get("name") ?? "") : "";
}

type Headers = ReadonlyMap<string, string>;
type Next =
  | { readonly kind: "end" }
  | { readonly kind: "fault"; readonly message: string }
  | { readonly kind: "part"; readonly headers: Headers; readonly content: string; readonly cut: boolean };

class PartReader {
  readonly #body: string;
  readonly #dash: string;
  #newLine = "\r\n";
  #at = 0;
  #partsRead = 0;

  constructor(body: string, boundary: string) {
    this.#body = body;
    this.#dash = `--${boundary}`;
  }

  next(): Next {
    let expectPart = false;
    for (;;) {
      const line = this.#line();
      if (this.#isFinal(line)) return { kind: "end" };
      if (!line.endsWith("\n")) return fault("multipart: NextPart: EOF");
      if (this.#isDelimiter(line)) {
        this.#partsRead++;
        return this.#part();
      }
      if (expectPart) return fault("multipart: expecting a new Part");
      if (this.#partsRead === 0) continue; // what stands before the first boundary is nothing
      if (line !== this.#newLine) return fault("multipart: unexpected line in Next()");
      expectPart = true;
    }
  }

  #line(): string {
    const end = this.#body.indexOf("\n", this.#at);
    const line = this.#body.slice(this.#at, end < 0 ? undefined : end + 1);
    this.#at += line.length;
    return line;
  }

  #isFinal(line: string): boolean {
    if (!line.startsWith(`${this.#dash}--`)) return false;
    const rest = line.slice(this.#dash.length + 2).replace(/^[ \t]+/, "");
    return rest === "" || rest === this.#newLine;
  }

  #isDelimiter(line: string): boolean {
    if (!line.startsWith(this.#dash)) return false;
    const rest = line.slice(this.#dash.length).replace(/^[ \t]+/, "");
    if (this.#partsRead === 0 && rest === "\n") this.#newLine = "\n";
    return rest === this.#newLine;
  }

  #part(): Next {
    const headers = new Map<string, string>();
    const first = this.#body[this.#at];
    if (first === " " || first === "\t") return fault("malformed MIME header initial line");
    for (;;) {
      const line = this.#headerLine();
      if (line === undefined) return { kind: "end" };
      if (line === "") break;
      const colon = line.indexOf(":");
      if (colon < 0) return fault(`malformed MIME header: missing colon: ${JSON.stringify(line)}`);
      const name = line.slice(0, colon);
      const value = line.slice(colon + 1).replace(/^[ \t]+/, "");
      if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z ]+$/.test(name) || /[\0-\x08\x0a-\x1f\x7f]/.test(value)) {
        return fault(`malformed MIME header line: ${JSON.stringify(line)}`);
      }
      if (!headers.has(name.toLowerCase())) headers.set(name.toLowerCase(), value);
    }
    return { kind: "part", headers, ...this.#content() };
  }

  /** One header line with its continuations; `undefined` at the end of the body. */
  #headerLine(): string | undefined {
    if (this.#at >= this.#body.length) return undefined;
    let line = trimmed(this.#line().replace(/\r?\n$/, ""));
    while (line !== "" && /[ \t]/.test(this.#body[this.#at] ?? "")) line += ` ${trimmed(this.#line())}`;
    return line;
  }

  /** Up to the next boundary, which stays unread. */
  #content(): { readonly content: string; readonly cut: boolean } {
    const start = this.#at;
    if (this.#endsPart(start, this.#dash)) return { content: "", cut: false };
    const mark = this.#newLine + this.#dash;
    // NB: looked for by its beginning: a search for a long text that the caller chose can take the product of both lengths.
    const beginning = `${this.#newLine}--`;
    for (
      let found = this.#body.indexOf(beginning, start);
      found >= 0;
      found = this.#body.indexOf(beginning, found + 1)
    ) {
      if (!this.#endsPart(found, mark)) continue;
      this.#at = found;
      return { content: this.#body.slice(start, found), cut: false };
    }
    this.#at = this.#body.length;
    return { content: this.#body.slice(start), cut: true };
  }

  /** A boundary is one only when blank, a line end, `--` or nothing follows. */
  #endsPart(at: number, mark: string): boolean {
    if (!this.#body.startsWith(mark, at)) return false;
    const after = this.#body.slice(at + mark.length, at + mark.length + 2);
    return after === "" || after === "--" || /^[ \t\r\n]/.test(after);
  }
}

function trimmed(line: string): string {
  return withoutEnds(line, " \t\r\n");
}
