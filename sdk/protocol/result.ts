/**
 * Result: an expected failure as data. No library, no exceptions, no control flow that cannot be seen.
 *
 * Everything that crosses a wall (Comlink, HTTP, object RPC) is such data, because thrown classes lose their fields there.
 */
export type Result<T, F> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: F };

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });
export const fail = <F>(failure: F): { readonly ok: false; readonly failure: F } => ({ ok: false, failure });

/** For a programmer's error: something that can only be false if the code is wrong. Never caught. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** Closes an exhaustive switch: a new member of the union stops compiling here. */
export function unreachable(value: never): never {
  throw new Error(`assertion failed: unreachable ${JSON.stringify(value)}`);
}
