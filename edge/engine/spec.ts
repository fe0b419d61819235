/**
 * What can be asked: conditions, measures, views and queries, as data. These are the shapes of the public contract after
 * the wall has parsed them; nothing here checks anything.
 */
import type { AttributeValue } from "#protocol";

/** A condition on one attribute: a value (null: absent), or tests that must all hold. */
export type Condition = AttributeValue | null | Tests;

export interface Tests {
  readonly eq?: AttributeValue | null;
  readonly ne?: AttributeValue | null;
  readonly in?: readonly AttributeValue[];
  readonly notIn?: readonly AttributeValue[];
  readonly gt?: string | number;
  readonly gte?: string | number;
  readonly lt?: string | number;
  readonly lte?: string | number;
  readonly exists?: boolean;
}

/** All entries must hold. `or` and `not` nest; every other name is an attribute. */
export interface Where {
  readonly or?: readonly Where[];
  readonly not?: Where;
  readonly [attribute: string]: Condition | readonly Where[] | Where | undefined;
}

export type Measure =
  | { readonly count: true }
  /** What a view's {@link SpamRule} left out. All other measures are of what it let through. */
  | { readonly count: "invalid" }
  /** Only of a view with session windows: how many there are, and of one on average the milliseconds, or the records. */
  | { readonly session: "count" | "duration" | "clicks" }
  | { readonly sum: string }
  | { readonly min: string }
  | { readonly max: string }
  | { readonly avg: string }
  | { readonly distinct: string };

export type Measures = { readonly [name: string]: Measure };

/** A stored aggregate. Two views with equal specifications hold equal numbers. */
export interface ViewSpec {
  readonly where: Where;
  readonly groupBy: readonly string[];
  /** Width of a window in milliseconds: a multiple of a minute. */
  readonly windowMs: number;
  readonly measures: Measures;
  readonly spam?: SpamRule;
  readonly session?: SessionRule;
}

/**
 * A record is invalid if an earlier one of its partition with the same values of `by`, valid or not, lies less than `within`
 * (milliseconds) from it in event time. One that lacks any of them never is.
 */
export interface SpamRule {
  readonly by: readonly string[];
  readonly within: number;
}

/**
 * Records with the same values of `by` are of one session while less than `gap` (milliseconds) lies between neighbours in event
 * time, within one UTC day. One that lacks any of them is of none.
 */
export interface SessionRule {
  readonly by: readonly string[];
  readonly gap: number;
}

/** A question, with its range resolved: whole minutes, milliseconds since the epoch. */
export interface Query {
  readonly from: number;
  readonly to: number;
  readonly where: Where;
  readonly groupBy: readonly string[];
  /** Width of a bucket in milliseconds, a multiple of a minute; null for one row over the whole range. */
  readonly everyMs: number | null;
  readonly measures: Measures;
  readonly orderBy: { readonly name: string; readonly descending: boolean } | null;
  readonly limit: number;
}

/** Version of the engine's meaning: a generation that was built by another one is outdated, never mixed silently. */
export const ENGINE_VERSION = 1;
