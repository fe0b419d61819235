/** Bars over time on uPlot, in the page's own colours and width. The bucket that is still filling is drawn apart. */
import uPlot from "uplot";
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

export class Chart {
  readonly #host = byId("chart", HTMLElement);
  readonly #readout = byId("readout", HTMLElement);
  #plot: uPlot | null = null;
  #bars: Bars | null = null;

  constructor() {
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
    this.#showReadout();
  }

  #rebuild(): void {
    if (this.#bars === null) return;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(this.#bars), dataOf(this.#bars), this.#host);
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
      cursor: { y: false, points: { show: false }, drag: { setScale: false, x: false, y: false } },
      hooks: { setCursor: [() => this.#showReadout()] },
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

  /** What lies under the pointer; without one, the newest bucket. */
  #showReadout(): void {
    const bars = this.#bars;
    if (bars === null || bars.times.length === 0) return setText(this.#readout, "");
    const pointed = this.#plot?.cursor.idx;
    const index = typeof pointed === "number" ? pointed : bars.times.length - 1;
    const time = bars.times[index];
    if (time === undefined) return;
    const forming = time >= bars.formingFrom ? ", still filling" : "";
    const isSpan = bars.bucketMs > MINUTE_MS && bars.bucketMs < DAY_MS;
    const end = isSpan ? ` to ${formatMinute(time + bars.bucketMs)}` : "";
    setText(this.#readout, `${label(time, bars)}${end}: ${plural(bars.counts[index] ?? 0, "click")}${forming}`);
  }
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
