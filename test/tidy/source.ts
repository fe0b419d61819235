// A source file as the tidy rules see it: text, syntax tree, and places to point at.
//
// The parser is oxc's, which vite exports and this project therefore has anyway. TypeScript 7's own is offered only as
// an unstable API that talks to a native process, and a lexer alone cannot tell `state.process` from `process`.
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { parseSync } from "vite";

/** A node of an ESTree with TypeScript's additions; rules look only at the fields that they know. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

export interface Source {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly program: Node;
  readonly comments: readonly { readonly value: string; readonly start: number }[];
}

export interface Finding {
  readonly path: string;
  /** From 1; 0 for the file as a whole. */
  readonly line: number;
  readonly rule: string;
  /** The offending line itself. */
  readonly excerpt: string;
}

export function parseSource(path: string, text: string): Source {
  const { program, comments, errors } = parseSync(path, text);
  const [error] = errors;
  if (error !== undefined) throw new SyntaxError(`${path}: ${error.message}`);
  return { path, text, program: program as unknown as Node, comments };
}

/** All TypeScript sources under some folders of the root. A folder that does not exist yet is empty. */
export function readSources(root: string, folders: readonly string[]): Source[] {
  return listFiles(root, folders, [".ts"]).map((path) => parseSource(path, readFileSync(join(root, path), "utf8")));
}

/** Paths from the root, sorted. Generated declarations and other people's packages are left out. */
export function listFiles(root: string, folders: readonly string[], endings: readonly string[]): string[] {
  const inFolder = (folder: string): string[] => {
    try {
      const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
      return names.map((name) => `${folder}/${name.split(sep).join("/")}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  };
  return folders
    .flatMap(inFolder)
    .filter((path) => endings.some((ending) => path.endsWith(ending)) && !path.endsWith("worker-configuration.d.ts"))
    .filter((path) => !path.includes("/node_modules/"))
    .sort();
}

/** Points at an offset in a source. */
export function findingAt(source: Source, offset: number, rule: string): Finding {
  const line = source.text.slice(0, offset).split("\n").length;
  return { path: source.path, line, rule, excerpt: source.text.split("\n")[line - 1]?.trim() ?? "" };
}

/** What a person reads when a rule is broken. */
export function report(findings: readonly Finding[]): string {
  return findings.map(({ path, line, rule, excerpt }) => `${path}:${line}  ${rule}\n    ${excerpt}`).join("\n");
}

/** Calls `visit` for every node, parents first. */
export function walk(node: Node, visit: (node: Node, parent: Node | undefined) => void, parent?: Node): void {
  visit(node, parent);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit, node);
  }
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
