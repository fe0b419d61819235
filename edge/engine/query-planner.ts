/**
 * Chooses where a query is answered from: a stored view that holds the answer already, or the log.
 *
 * A stored view can answer if its windows divide the range and the buckets, if it kept every record that the query asks
 * about and can tell the others apart by its groups, and if its accumulators give the measures.
 */
import { fail, ok, type Result } from "#protocol";
import { attributesOfConjuncts, conjunctsBeyond, joinConjuncts } from "./conjuncts.ts";
import { type AccumulatorKind, accumulatorIndex, shapeOf } from "./plan.ts";
import type { Query, ViewSpec, Where } from "./spec.ts";

export interface StoredView {
  readonly name: string;
  readonly generation: number;
  readonly spec: ViewSpec;
}

/** A view to answer from, and what the query asks of its groups beyond what the view's own `where` says. */
export interface ViewSource<V extends StoredView = StoredView> {
  readonly kind: "view";
  readonly view: V;
  readonly residual: Where;
}

export type Source<V extends StoredView = StoredView> = ViewSource<V> | { readonly kind: "log" };

/** Why a view cannot answer a query. */
export type ViewFailure =
  | { readonly reason: "view_cannot_answer"; readonly detail: string }
  | { readonly reason: "range_not_aligned"; readonly detail: string; readonly windowMs: number };

/** The cheapest view that answers the query as the log would; else the log. */
export function chooseSource<V extends StoredView>(query: Query, views: readonly V[]): Source<V> {
  const sources = views.flatMap((view): ViewSource<V>[] => {
    // A view that leaves out click spam, or counts sessions, does not say what the log would: only a query that names it means that.
    if (view.spec.spam !== undefined || view.spec.session !== undefined) return [];
    if (conjunctsBeyond(view.spec.where, query.where).length > 0) return [];
    const source = sourceFromView(query, view);
    return source.ok ? [source.value] : [];
  });
  sources.sort((a, b) => compareCosts(a.view, b.view));
  return sources[0] ?? { kind: "log" };
}

/** Answers from a view that the query names: its `where` holds, and the query's is added. */
export function sourceFromView<V extends StoredView>(query: Query, view: V): Result<ViewSource<V>, ViewFailure> {
  const { spec } = view;
  const aligned = checkAlignment(query, spec.windowMs);
  if (!aligned.ok) return aligned;
  const residual = conjunctsBeyond(query.where, spec.where);
  for (const name of new Set([...query.groupBy, ...attributesOfConjuncts(residual)])) {
    if (!spec.groupBy.includes(name)) return cannot(`it is not grouped by \`${name}\``);
  }
  const held = shapeOf(spec.groupBy, spec.measures).accumulators;
  const asked = shapeOf(query.groupBy, query.measures);
  for (const { kind, attribute } of asked.accumulators) {
    if (accumulatorIndex(held, kind, attribute) < 0) {
      return cannot(whyNotHeld(kind, attribute));
    }
  }
  return ok({ kind: "view", view, residual: joinConjuncts(residual) });
}

function whyNotHeld(kind: AccumulatorKind, attribute: string): string {
  if (kind === "invalid") return "it does not count what is invalid";
  if (kind.startsWith("session")) return "it has no such measure of sessions";
  if (kind !== "numbers") return `it has no \`${kind}\` of \`${attribute}\``;
  return `it does not count the numbers in \`${attribute}\`, which an average needs: it has no \`avg\` of it`;
}

function checkAlignment({ from, to, everyMs }: Query, windowMs: number): Result<null, ViewFailure> {
  const unaligned = Object.entries({ from, to, every: everyMs ?? 0 }).filter(([, ms]) => ms % windowMs !== 0);
  if (unaligned.length === 0) return ok(null);
  const names = unaligned.map(([name]) => `\`${name}\``).join(" and ");
  const detail = `${names} must be a multiple of the view's window of ${windowMs / 60_000} minutes`;
  return fail({ reason: "range_not_aligned", detail, windowMs });
}

/** Fewer attributes make fewer groups; then wider windows fewer tables; then the name, so that the choice is stable. */
const compareCosts = (a: StoredView, b: StoredView): number =>
  a.spec.groupBy.length - b.spec.groupBy.length ||
  b.spec.windowMs - a.spec.windowMs ||
  (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

const cannot = (why: string) => fail<ViewFailure>({ reason: "view_cannot_answer", detail: `the view cannot: ${why}` });
