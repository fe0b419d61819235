/** Which of the offered media types a client takes: RFC 9110, section 12.5.1, with weights and wildcards. */

/**
 * @param accept the Accept header; undefined: anything
 * @param offered in the order in which they are preferred here
 * @returns undefined if none is taken
 */
export function negotiate<T extends string>(accept: string | undefined, offered: readonly T[]): T | undefined {
  if (accept === undefined || accept.trim() === "") return offered[0];
  const ranges = accept.split(",").map(parseRange);
  let best: T | undefined;
  let bestWeight = 0;
  for (const type of offered) {
    const weight = weightOf(type, ranges);
    if (weight > bestWeight) [best, bestWeight] = [type, weight];
  }
  return best;
}

interface MediaRange {
  readonly range: string;
  readonly weight: number;
}

function parseRange(text: string): MediaRange {
  const [range = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith("q="));
  const weight = quality === undefined ? 1 : Number(quality.slice(2));
  return { range, weight: Number.isFinite(weight) ? weight : 0 };
}

/** The most specific range that matches decides. */
function weightOf(type: string, ranges: readonly MediaRange[]): number {
  for (const pattern of [type, `${type.split("/", 1)[0]}/*`, "*/*"]) {
    const match = ranges.find(({ range }) => range === pattern);
    if (match !== undefined) return match.weight;
  }
  return 0;
}
