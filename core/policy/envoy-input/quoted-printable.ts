/** Quoted-printable as Go's mime/quotedprintable decodes it. Text is one byte per character, before and after. */
import { withoutEnd } from "../without-ends.ts";

type Decoded = { readonly kind: "text"; readonly text: string } | { readonly kind: "fault"; readonly message: string };

export function decodeQuotedPrintable(text: string): Decoded {
  let decoded = "";
  const lines = text.split(/(?<=\n)/);
  for (const [at, whole] of lines.entries()) {
    const line = withoutEnd(whole, " \t\r\n");
    const stripped = whole.slice(line.length);
    const isSoft = line.endsWith("=");
    const isLast = at === lines.length - 1 && stripped === "" && line.length > 1;
    if (isSoft && !stripped.startsWith("\n") && !stripped.startsWith("\r\n") && !isLast) {
      return { kind: "fault", message: "quotedprintable: invalid bytes after =" };
    }
    const part = decodeLine(isSoft ? line.slice(0, -1) : line);
    if (part.kind === "fault") return part;
    decoded += part.text;
    if (!isSoft && whole.endsWith("\n")) decoded += whole.endsWith("\r\n") ? "\r\n" : "\n";
  }
  return { kind: "text", text: decoded };
}

function decodeLine(line: string): Decoded {
  const bad = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.exec(line)?.[0];
  if (bad !== undefined) return { kind: "fault", message: "quotedprintable: invalid unescaped byte in body" };
  // An equals sign that begins no escape stands for itself, unless the line ends there.
  if (/=[0-9a-fA-F]?$/.test(line) && !/=[0-9a-fA-F]$/.test(line)) return { kind: "fault", message: "unexpected EOF" };
  const text = line.replace(/=([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { kind: "text", text };
}
