// DESIGN's table of rooms, as data: who may import whom. Imports only point down it.

export interface Room {
  /** Folder from the root. A file belongs to the room with the longest path that holds it. */
  readonly path: string;
  /** No clock, no dice, no promise, no platform. */
  readonly pure: boolean;
  /** The name in package.json `imports` under which other rooms import it, and nothing else of it. */
  readonly name?: `#${string}`;
  /** Rooms that it may import, by path; those with a name through that name. */
  readonly rooms: readonly string[];
  /** Rooms of which it may import types, but nothing that runs. */
  readonly typesOf?: readonly string[];
  /** Packages and platform modules, subpaths included. */
  readonly packages: readonly string[];
}

const NODE_MODULES_OF_CLI = ["crypto", "events", "fs", "path", "stream", "timers", "zlib"].map(
  (name) => `node:${name}`,
);

export const ROOMS: readonly Room[] = [
  { path: "sdk/protocol", name: "#protocol", pure: true, rooms: [], packages: ["valibot"] },
  { path: "edge/engine", name: "#engine", pure: true, rooms: ["sdk/protocol"], packages: [] },
  { path: "sdk/log", pure: false, rooms: ["sdk/protocol"], packages: ["idb"] },
  { path: "sdk", pure: false, rooms: ["sdk/log", "sdk/protocol"], packages: ["comlink"] },
  {
    path: "edge/partition",
    pure: false,
    rooms: ["edge/engine", "sdk/protocol"],
    packages: ["cloudflare:workers", "node:zlib"],
  },
  {
    path: "edge/stream",
    pure: false,
    rooms: ["edge/engine", "sdk/protocol"],
    typesOf: ["edge/partition"],
    packages: ["cloudflare:workers"],
  },
  {
    path: "edge/routes",
    pure: false,
    rooms: ["edge/engine", "sdk/protocol"],
    typesOf: ["edge/partition", "edge/stream"],
    packages: ["hono", "valibot", "@valibot/to-json-schema", "node:zlib"],
  },
  // The worker's entry: puts the rooms together and decides nothing.
  { path: "edge", pure: false, rooms: ["edge/routes", "edge/partition", "edge/stream"], packages: [] },
  // Written as a stranger would: the package by its own name, or the file that its name stands for.
  { path: "demo", pure: false, rooms: ["sdk/index.ts"], packages: ["headwater", "uplot", "valibot"] },
  // A stranger too: the public HTTP API, and the wire contract's own words.
  {
    path: "cli",
    pure: false,
    rooms: ["sdk/protocol"],
    packages: ["@stricli/core", "csv-parse", "hyparquet-writer", "valibot", ...NODE_MODULES_OF_CLI],
  },
];

/** The room of a file; undefined for tests, scripts and the tools' settings, which may import everything. */
export function roomOf(path: string): Room | undefined {
  return ROOMS.filter((room) => path.startsWith(`${room.path}/`)).sort((a, b) => b.path.length - a.path.length)[0];
}
