/** Draws a terminal as SVG: rows appear one after the other, once; where nothing moves (print, reduced motion) all of them are there. */

export type Row = {
  readonly kind: "typed" | "said" | "good" | "refused" | "gap";
  readonly text: string;
};

const COLUMNS = 112;
const FONT_PX = 13;
/** Of a monospaced font of that size, whichever the viewer has: by it the picture is as wide as the longest line. */
const CHARACTER_PX = 7.8;
const ROW_PX = 18;
const MARGIN_PX = 16;
/** The whole takes about twenty seconds. */
const SECONDS: { readonly [kind in Row["kind"]]: number } = {
  typed: 1.4,
  said: 0.25,
  good: 0.5,
  refused: 0.5,
  gap: 0.8,
};

export function draw(title: string, rows: readonly Row[]): string {
  const width = Math.ceil(COLUMNS * CHARACTER_PX) + 2 * MARGIN_PX;
  const height = rows.length * ROW_PX + 2 * MARGIN_PX;
  let seconds = 0;
  const drawn = rows.map(({ kind, text }, index) => {
    seconds += SECONDS[kind];
    if (kind === "gap") return "";
    const cut = text.length > COLUMNS ? `${text.slice(0, COLUMNS - 1)}…` : text;
    const y = MARGIN_PX + (index + 0.75) * ROW_PX;
    return `<text class="${kind}" x="${MARGIN_PX}" y="${y}" style="animation-duration:${seconds.toFixed(2)}s">${escaped(cut)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(title)}</title>
<style>
  text { font: ${FONT_PX}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; fill: #c9d1d9; animation: wait steps(1); }
  .typed { fill: #ffffff; font-weight: bold; }
  .good { fill: #7ee787; }
  .refused { fill: #f2cc60; }
  @keyframes wait { from { visibility: hidden; } 99% { visibility: hidden; } to { visibility: visible; } }
  @media (prefers-reduced-motion: reduce) { text { animation: none; } }
</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${drawn.filter((line) => line !== "").join("\n")}
</svg>
`;
}

/** The part of a long answer that says what was promised, from the member in which it stands. */
export function excerpt(answer: string, promise: string | undefined): string {
  const line = answer.trim().replaceAll(/\s+/g, " ");
  const at = promise === undefined ? -1 : line.indexOf(promise);
  if (line.length <= COLUMNS || promise === undefined || at + promise.length < COLUMNS) return line;
  return `…${line.slice(at)}`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
