/** Bars over time on uPlot, in the page's own colours and width. The bucket that is still filling is drawn apart. */
import uPlot from "uplot";
import { ChartTable } from "./chart-table.ts";
import { Marks } from "./chart-marks.ts";
import { byId, setText } from "./dom.ts";
import { formatCount, formatDay, formatMinute, formatUtcDay, plural } from "./format.ts";

export interface Bars {
  /** Start of each bucket in milliseconds since the epoch, ascending. */
  readonly times: readonly number[];
  readonly counts: readonly number[];
  readonly bucketMs: number;
  /** The range asked about. */
  readonly from: number;
  readonly to: number;
  /** Buckets that begin here or later are still filling. */
  readonly formingFrom: number;
}

const HEIGHT_PX = { wide: 264, narrow: 208 };
const NARROW_PX = 560;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Below this the axis would count in fractions of a click. */
const TOP_MIN = 4;

const COUNT_STEPS = [1, 2, 5]
  .flatMap((step) => Array.from({ length: 9 }, (_, power) => step * 10 ** power))
  .sort((a, b) => a - b);

export interface ZoomTarget {
  /** A stretch of bars was chosen, or one alone. */
  readonly into: (from: number, to: number, bars: number) => void;
  readonly out: () => void;
}

export class Chart {
  readonly #host = byId("chart", HTMLElement);
  readonly #readout = byId("readout", HTMLElement);
  readonly #table = new ChartTable();
  readonly #marks: Marks;
  #plot: uPlot | null = null;
  #bars: Bars | null = null;

  constructor(zoom: ZoomTarget) {
    this.#marks = new Marks(this.#host, {
      bars: () => this.#bars?.times.length ?? 0,
      barAt: (px) => this.#barAt(px),
      onMove: () => this.#showMarks(),
      onChoose: (first, last) => {
        const bars = this.#bars;
        const [from, end] = [bars?.times[first], bars?.times[last]];
        if (bars && from !== undefined && end !== undefined) zoom.into(from, end + bars.bucketMs, last - first + 1);
      },
      onLeave: zoom.out,
    });
    new ResizeObserver(() => this.#fit()).observe(this.#host);
    // uPlot draws on a canvas, which no style sheet reaches: another scheme needs another drawing.
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#rebuild());
  }

  draw(bars: Bars, title: string): void {
    const sameShape = this.#bars?.bucketMs === bars.bucketMs && this.#bars.to - this.#bars.from === bars.to - bars.from;
    this.#bars = bars;
    if (this.#plot === null || !sameShape) this.#rebuild();
    else this.#plot.setData(dataOf(bars));
    this.#host.setAttribute("aria-label", describe(bars, title));
    this.#host.setAttribute("aria-valuemax", String(Math.max(0, bars.times.length - 1)));
    this.#showMarks();
    this.#table.show(bars.times.map((time, index) => [label(time, bars), bars.counts[index] ?? 0]));
  }

  #rebuild(): void {
    if (this.#bars === null) return;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(this.#bars), dataOf(this.#bars), this.#host);
    this.#marks.watch(this.#plot.over);
  }

  #fit(): void {
    this.#plot?.setSize(sizeOf(this.#host));
  }

  #options(shape: Bars): uPlot.Options {
    const colour = coloursOf(this.#host);
    const axis = {
      stroke: colour.quiet,
      font: `12px ${colour.font}`,
      ticks: { show: false },
      gap: 8,
    };
    const bar = { paths: uPlot.paths.bars?.({ size: [0.78, 48], align: 1, radius: 0.12 }), points: { show: false } };
    return {
      ...sizeOf(this.#host),
      padding: [8, 4, 0, 0],
      legend: { show: false },
      // Pointers and keys are chart-marks.ts's: uPlot's own knows neither fingers nor keys.
      cursor: { show: false },
      scales: {
        x: { time: true, range: () => edgesOf(this.#bars ?? shape) },
        y: { range: (_plot, _min, max) => [0, Math.max(TOP_MIN, (max ?? 0) * 1.08)] },
      },
      series: [
        {},
        { ...bar, fill: colour.accent, width: 0 },
        { ...bar, fill: colour.forming, stroke: colour.accent, width: 1 },
      ] as uPlot.Series[],
      axes: [
        {
          ...axis,
          size: 28,
          grid: { show: false },
          space: 64,
          values: (plot, splits) => labels(splits, plot, shape.bucketMs),
        },
        {
          ...axis,
          size: 44,
          space: 40,
          incrs: COUNT_STEPS,
          grid: { stroke: colour.line, width: 1 },
          values: (_plot, splits) => splits.map(formatCount),
        },
      ],
    };
  }

  #barAt(px: number): number {
    const bars = this.#bars;
    const first = bars?.times[0];
    if (this.#plot === null || !bars || first === undefined) return 0;
    const index = Math.floor((this.#plot.posToVal(px, "x") * 1_000 - first) / bars.bucketMs);
    return Math.min(bars.times.length - 1, Math.max(0, index));
  }

  /** What is marked, or looked at; without either, the newest bucket. */
  #showMarks(): void {
    const bars = this.#bars;
    if (bars === null || bars.times.length === 0) return setText(this.#readout, "");
    const newest = bars.times.length - 1;
    const at = Math.min(newest, this.#marks.at ?? newest);
    const [first, last] = this.#marks.marked ?? [at, at];
    this.#select(bars, this.#marks.at === null ? null : [first, Math.min(newest, last)]);
    const words = stretchInWords(bars, first, Math.min(newest, last));
    setText(this.#readout, words);
    this.#host.setAttribute("aria-valuenow", String(at));
    this.#host.setAttribute("aria-valuetext", words);
  }

  #select(bars: Bars, stretch: readonly [number, number] | null): void {
    const plot = this.#plot;
    const [from, end] = [bars.times[stretch?.[0] ?? -1], bars.times[stretch?.[1] ?? -1]];
    if (plot === null) return;
    const none = { left: 0, top: 0, width: 0, height: 0 };
    if (from === undefined || end === undefined) return plot.setSelect(none, false);
    const left = plot.valToPos(from / 1_000, "x");
    const width = plot.valToPos((end + bars.bucketMs) / 1_000, "x") - left;
    plot.setSelect({ left, top: 0, width, height: plot.over.clientHeight }, false);
  }
}

function stretchInWords(bars: Bars, first: number, last: number): string {
  const [from, end] = [bars.times[first], bars.times[last]];
  if (from === undefined || end === undefined) return "";
  const clicks = bars.counts.slice(first, last + 1).reduce((sum, count) => sum + count, 0);
  const forming = end >= bars.formingFrom ? ", still filling" : "";
  const isSpan = last > first || (bars.bucketMs > MINUTE_MS && bars.bucketMs < DAY_MS);
  const until = last > first && bars.bucketMs >= DAY_MS ? label(end, bars) : formatMinute(end + bars.bucketMs);
  return `${label(from, bars)}${isSpan ? ` to ${until}` : ""}: ${plural(clicks, "click")}${forming}`;
}

const dataOf = ({ times, counts, formingFrom }: Bars): uPlot.AlignedData => [
  times.map((time) => time / 1_000),
  counts.map((count, index) => ((times[index] ?? 0) < formingFrom ? count : null)),
  counts.map((count, index) => ((times[index] ?? 0) < formingFrom ? null : count)),
];

/** Whole buckets, in seconds: the range itself may begin and end within one. */
function edgesOf({ times, bucketMs, from, to }: Bars): [number, number] {
  const first = times[0] ?? from;
  const last = times.at(-1) ?? to - bucketMs;
  return [first / 1_000, (last + bucketMs) / 1_000];
}

function sizeOf(host: HTMLElement): { width: number; height: number } {
  const width = Math.max(200, host.clientWidth);
  return { width, height: width < NARROW_PX ? HEIGHT_PX.narrow : HEIGHT_PX.wide };
}

function coloursOf(host: HTMLElement) {
  const style = getComputedStyle(host);
  const named = (name: string) => style.getPropertyValue(name).trim();
  return {
    accent: named("--accent"),
    forming: named("--accent-soft"),
    quiet: named("--ink-quiet"),
    line: named("--line"),
    font: style.fontFamily,
  };
}

/** Day and time where the time alone would be ambiguous. */
function label(time: number, { from, to, bucketMs }: Bars): string {
  if (bucketMs >= DAY_MS) return formatUtcDay(time);
  return to - from > DAY_MS + bucketMs ? `${formatDay(time)} ${formatMinute(time)}` : formatMinute(time);
}

/** Half of an axis label: nearer to the right edge, it would be cut. */
const LABEL_HALF_PX = 18;

/** Axis labels: midnight says the day, the rest only the time. */
function labels(splits: readonly number[], plot: uPlot, bucketMs: number): string[] {
  const rightPx = plot.bbox.width / devicePixelRatio - LABEL_HALF_PX;
  return splits.map((second) => {
    if (plot.valToPos(second, "x") > rightPx) return "";
    if (bucketMs >= DAY_MS) return formatUtcDay(second * 1_000);
    const text = formatMinute(second * 1_000);
    return text === "00:00" ? formatDay(second * 1_000) : text;
  });
}

function describe(bars: Bars, title: string): string {
  if (bars.counts.length === 0) return `${title}: nothing`;
  const most = Math.max(...bars.counts);
  const at = bars.times[bars.counts.indexOf(most)] ?? bars.from;
  const span = `${label(bars.from, bars)} to ${label(bars.to, bars)}`;
  return `${title}, ${span}. At most ${formatCount(most)}, at ${label(at, bars)}.`;
}
