// Rules for every file: what a reader may count on, wherever they open the project.
import { type Finding, findingAt, type Source, walk } from "./source.ts";

/** A file is read in one sitting. */
export const LINES_MAX = 300;

/** `any` turns the compiler off for whatever it touches; so do these comments. Unfinished work belongs in an issue. */
export function checkSyntax(source: Source): Finding[] {
  const findings: Finding[] = [];
  walk(source.program, (node) => {
    if (node.type === "TSAnyKeyword") findings.push(findingAt(source, node.start, "any: say unknown, and parse it"));
  });
  const inTest = source.path.startsWith("test/");
  for (const { value, start } of source.comments) {
    // Tests of types expect errors; that is what the comment is for.
    const silencer = /@ts-(ignore|nocheck|expect-error)/.exec(value)?.[0];
    if (silencer !== undefined && !(inTest && silencer === "@ts-expect-error")) {
      findings.push(findingAt(source, start, `${silencer} hides what the compiler knows`));
    }
    const unfinished = /\b(TODO|FIXME|XXX)\b/.exec(value)?.[0];
    if (unfinished !== undefined) findings.push(findingAt(source, start, `${unfinished}: finish it, or open an issue`));
  }
  return findings;
}

/**
 * @param oversized files that are known to be too long. The list may only shrink: one that is not too long any more,
 *   or is gone, is a finding too.
 */
export function checkLength(
  files: readonly { readonly path: string; readonly text: string }[],
  oversized: readonly string[],
): Finding[] {
  const tooLong = new Map(
    files.flatMap(({ path, text }) => {
      const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
      return lines > LINES_MAX ? [[path, lines] as const] : [];
    }),
  );
  const unknown = [...tooLong].filter(([path]) => !oversized.includes(path));
  const mended = oversized.filter((path) => !tooLong.has(path));
  return [
    ...unknown.map(([path, lines]) => about(path, `${lines} lines; ${LINES_MAX} are where to stop and think`)),
    ...mended.map((path) => about(path, "is not too long any more: take it off the list of oversized files")),
  ];
}

const about = (path: string, rule: string): Finding => ({ path, line: 0, rule, excerpt: "(the whole file)" });
