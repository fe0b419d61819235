/** Views, a line each. */
import { type Cell, printTable, showDuration } from "./output.ts";
import type { View } from "./schemas.ts";

export function printViews(views: readonly View[]): void {
  printTable({
    columns: ["view", "state", "generation", "before it", "group by", "window", "measures", "rules"],
    rows: views.map((view): Cell[] => [
      view.name,
      view.error === undefined ? view.state : `${view.state}: ${view.error}`,
      view.generation,
      view.previousGeneration,
      view.groupBy.join(", "),
      showDuration(view.window),
      Object.entries(view.measures).map(showMeasure).join(", "),
      rulesOf(view),
    ]),
  });
}

/** `revenue = sum price`, `clicks`. */
function showMeasure([name, measure]: [string, unknown]): string {
  const [kind, argument] = Object.entries(measure ?? {})[0] ?? [];
  if (kind === "count" && argument === true) return name;
  return `${name} = ${kind} ${String(argument)}`;
}

function rulesOf(view: View): string {
  const { where, spam } = view;
  const hasWhere = typeof where === "object" && where !== null && Object.keys(where).length > 0;
  return [
    ...(hasWhere ? [`where ${JSON.stringify(where)}`] : []),
    ...(spam ? [`spam ${JSON.stringify(spam)}`] : []),
  ].join("; ");
}
