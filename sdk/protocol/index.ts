/** `#protocol`: the wire contract between a page and the edge. A pure leaf: it imports nothing of ours. */
export * from "./answer.ts";
export * from "./append.ts";
export * from "./drops.ts";
export * from "./event.ts";
export * from "./limits.ts";
export * from "./result.ts";
