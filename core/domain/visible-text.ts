/**
 * How much of a free text a person can see. A required reason made of zero-width or blank-looking characters is not a reason: it would pass a
 * character count and show reviewer and auditor an empty line.
 */

/** Characters without the invisible ones: controls, what Unicode says may be ignored in display, and the blank braille. */
export function visibleLength(text: string): number {
  return [...text.replaceAll(/[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Cs}\u2800]/gu, "").trim()].length;
}
