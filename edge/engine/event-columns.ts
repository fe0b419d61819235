/**
 * Events as columns: how the Worker hands an append to the partition, and what a column batch is built from. Structured
 * clone carries it as it is.
 */
import type { Value } from "./value.ts";

export interface EventColumns {
  readonly count: number;
  /** Event times in milliseconds since the epoch, already moved by the client's clock skew and checked. */
  readonly times: Float64Array;
  /** One entry a name that any event has, `type` included; `values` has `count` entries, null where absent. */
  readonly attributes: readonly { readonly name: string; readonly values: readonly Value[] }[];
}
