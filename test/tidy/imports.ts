// Imports only point down the table of rooms, and never in a circle.
import { posix } from "node:path";
import { type Room, roomOf, ROOMS } from "./rooms.ts";
import { type Finding, findingAt, isNode, type Source, walk } from "./source.ts";

interface Import {
  readonly specifier: string;
  readonly offset: number;
  /** Gone once types are stripped. `import { type A }` is not: what is left of it still loads the module. */
  readonly typeOnly: boolean;
}

/** Static and dynamic imports, exports from elsewhere, and types written `import("…").T`. */
export function importsOf(source: Source): Import[] {
  const found: Import[] = [];
  walk(source.program, (node) => {
    const isImport = /^(Import|ExportAll|ExportNamed)Declaration$|^ImportExpression$|^TSImportType$/.test(node.type);
    if (!isImport || !isNode(node.source)) return;
    const typeOnly = node.type === "TSImportType" || node.importKind === "type" || node.exportKind === "type";
    found.push({ specifier: String(node.source.value), offset: node.start, typeOnly });
  });
  return found;
}

export function checkRooms(source: Source): Finding[] {
  const room = roomOf(source.path);
  if (room === undefined) return [];
  return importsOf(source).flatMap((imported) => {
    const objection = objectionTo(source.path, room, imported);
    return objection === undefined ? [] : [findingAt(source, imported.offset, objection)];
  });
}

/** Why a room may not import something; undefined if it may. */
function objectionTo(path: string, room: Room, { specifier, typeOnly }: Import): string | undefined {
  const target = fileOf(path, specifier);
  if (target === undefined) return objectionToPackage(room, specifier);
  if (roomOf(target) === room) return specifier.startsWith("#") ? `${room.path} imports itself by name` : undefined;

  const allowed = (rooms: readonly string[]): boolean => rooms.includes(target) || rooms.includes(roomPathOf(target));
  const targetRoom = roomOf(target);
  if (allowed(room.rooms) || (typeOnly && allowed(room.typesOf ?? []))) {
    const name = targetRoom?.name;
    return name === undefined || name === specifier ? undefined : `import ${targetRoom?.path} as "${name}"`;
  }
  if (allowed(room.typesOf ?? [])) return `${room.path} may import only types of ${roomPathOf(target)}: import type`;
  return `${room.path} must not import ${targetRoom === undefined ? target : roomPathOf(target)}`;
}

function objectionToPackage(room: Room, specifier: string): string | undefined {
  const allowed = room.packages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
  return allowed ? undefined : `${room.path} must not import the package ${specifier}`;
}

const roomPathOf = (path: string): string => roomOf(path)?.path ?? path;

/** The file of the project that a specifier means; undefined for packages and the platform's modules. */
function fileOf(from: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(from), specifier);
  const named = ROOMS.find(({ name }) => name === specifier);
  return named === undefined ? undefined : `${named.path}/index.ts`;
}

/**
 * Circles of imports, types included: two files that need each other are one concept, or one of them knows too much.
 * Each circle is reported once, at the import that closes it.
 */
export function checkCycles(sources: readonly Source[]): Finding[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const findings: Finding[] = [];

  const visit = (source: Source, trail: readonly string[]): void => {
    for (const { specifier, offset } of importsOf(source)) {
      const target = byPath.get(fileOf(source.path, specifier) ?? "");
      if (target === undefined || done.has(target.path)) continue;
      const at = trail.indexOf(target.path);
      if (at === -1) visit(target, [...trail, target.path]);
      else
        findings.push(
          findingAt(source, offset, `imports in a circle: ${[...trail.slice(at), target.path].join(" → ")}`),
        );
    }
    done.add(source.path);
  };
  for (const source of sources) if (!done.has(source.path)) visit(source, [source.path]);
  return findings;
}
