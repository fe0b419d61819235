// What the edge uses of Node's: inflating under a bound, which DecompressionStream cannot do, and both ways at once, where a
// turn must not end. Declared by hand, because all of @types/node would bring `process`, `Buffer` and Node's timers into
// reach as well.

declare module "node:zlib" {
  /** Inflates at once; throws a RangeError beyond `maxOutputLength` bytes. */
  export function gunzipSync(input: Uint8Array, options: { maxOutputLength: number }): Uint8Array<ArrayBuffer>;
  /** @param options level 1 is fastest, 9 smallest */
  export function deflateRawSync(input: Uint8Array, options: { level: number }): Uint8Array<ArrayBuffer>;
  export function inflateRawSync(input: Uint8Array, options: { maxOutputLength: number }): Uint8Array<ArrayBuffer>;
}
