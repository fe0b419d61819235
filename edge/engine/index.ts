/** `#engine`: the one engine. Pure: no clock, no dice, no promises, no platform. */
export * from "./admission.ts";
export * from "./batch-builder.ts";
export * from "./batch-codec.ts";
export * from "./column-batch.ts";
export * from "./crc32c.ts";
export * from "./dictionary.ts";
export * from "./event-columns.ts";
export * from "./event-time.ts";
export * from "./intervals.ts";
export * from "./limits.ts";
export * from "./producer-table.ts";
export * from "./seal.ts";
export * from "./siphash.ts";
export * from "./spec.ts";
export * from "./value.ts";
