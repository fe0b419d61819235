// The one thing of Node's that the edge uses: inflating under a bound, which DecompressionStream cannot do. Declared
// by hand, because all of @types/node would bring `process`, `Buffer` and Node's timers into reach as well.

declare module "node:zlib" {
  /** Inflates at once; throws a RangeError with code ERR_BUFFER_TOO_LARGE beyond `maxOutputLength` bytes. */
  export function gunzipSync(input: Uint8Array, options: { maxOutputLength: number }): Uint8Array<ArrayBuffer>;
}
