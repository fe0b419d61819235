/** Results as Markdown: what stands in the README. */
import {
  AFTER_LOADING,
  type Comparison,
  GROWTH_TARGET,
  type Memory,
  MEMORY_TARGET,
  type Results,
  type Size,
  SIZE_TARGET,
} from "./results.ts";

export function reportOf(results: Results): string {
  const parts = [
    comparisonTables(results.comparisons),
    sizeTable(results.sizes),
    growthTable(results),
    memoryTable(results.memory),
    ...results.skipped.map(({ name, reason }) => `skipped: ${name}: ${reason}`),
    `${results.rounds} rounds, Node ${results.node}, ${results.platform}. A ratio is the median of (the other's time / ` +
      "Headwater's) within rounds, with its quartiles; every peer has one thread unless it says otherwise.",
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

const comparisonTables = (comparisons: readonly Comparison[]): string =>
  bySize(comparisons)
    .map(([events, rows]) => {
      const lines = rows.map((row) =>
        cells([
          row.title,
          row.peerName,
          milliseconds(row.ownMs),
          milliseconds(row.peerMs),
          `**${factor(row.ratio.median)}** (${factor(row.ratio.lower)} – ${factor(row.ratio.upper)})`,
          factor(row.processorRatio.median),
          row.target === null ? "" : factor(row.target),
          row.target === null ? "" : row.ratio.median >= row.target ? "met" : "missed",
        ]),
      );
      const head = [
        `${count(events)} events`,
        "against",
        "Headwater, ms",
        "other, ms",
        "times faster",
        "by CPU",
        "target",
        "",
      ];
      return table(head, "llrrrrrl", lines);
    })
    .join("\n\n");

const sizeTable = (sizes: readonly Size[]): string =>
  bySize(sizes)
    .map(([events, rows]) => {
      const against = rows.find(({ name }) => name === SIZE_TARGET.against)?.bytes;
      const lines = rows.map(({ name, bytes }) => {
        const isAimed = name === SIZE_TARGET.name && against !== undefined;
        const verdict = isAimed
          ? bytes <= against
            ? `met: <= ${SIZE_TARGET.against}`
            : `missed: <= ${SIZE_TARGET.against}`
          : "";
        return cells([name, (bytes / events).toFixed(2), verdict]);
      });
      return table([`${count(events)} events on disk`, "bytes an event", "target"], "lrl", lines);
    })
    .join("\n\n");

function growthTable({ growth }: Results): string {
  if (growth.length < 2) return "";
  const lines = growth.map(({ events, nanosecondsPerEvent, ratio }, i) =>
    cells([
      count(events),
      nanosecondsPerEvent.toFixed(1),
      factor(ratio.median),
      i === 0 ? "" : `${ratio.median <= GROWTH_TARGET ? "met" : "missed"}: <= ${factor(GROWTH_TARGET)}`,
    ]),
  );
  return table(["events in the log", "ns an event", "of the smallest", "target"], "rrrl", lines);
}

function memoryTable(memory: readonly Memory[]): string {
  if (memory.length === 0) return "";
  const lines = memory.map(({ dataset, events, moment, heap, external, resident }) =>
    cells([
      `${count(events)}, ${dataset}`,
      moment,
      megabytes(heap),
      megabytes(external),
      megabytes(resident),
      moment === AFTER_LOADING
        ? `${heap + external <= MEMORY_TARGET ? "met" : "missed"}: <= ${megabytes(MEMORY_TARGET)}`
        : "",
    ]),
  );
  const head = ["events", "memory of the partition", "heap, MB", "typed arrays, MB", "resident, MB", "target"];
  return table(head, "rlrrrl", lines);
}

function table(head: readonly string[], alignments: string, lines: readonly string[]): string {
  const rule = [...alignments].map((alignment) => (alignment === "r" ? "---:" : "---"));
  return [cells(head), cells(rule), ...lines].join("\n");
}

const cells = (values: readonly string[]): string => `| ${values.join(" | ")} |`;

/** Grouped by their number of events, in the order in which they came. */
function bySize<T extends { readonly events: number }>(rows: readonly T[]): [number, T[]][] {
  const sizes = [...new Set(rows.map(({ events }) => events))];
  return sizes.map((events) => [events, rows.filter((row) => row.events === events)]);
}

export const count = (events: number): string =>
  events % 1_000_000 === 0 ? `${events / 1_000_000} M` : events.toLocaleString("en-US");
const milliseconds = (ms: number): string => ms.toFixed(ms < 100 ? 1 : 0);
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
export const factor = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : 1)}x`;
