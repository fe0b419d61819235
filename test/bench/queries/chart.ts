/** The ratios that have a target, as a bar chart in SVG that is readable on light and on dark pages. */
import { factor } from "./report.ts";
import type { Comparison } from "./results.ts";

const WIDTH = 880;
const LABEL_WIDTH = 440;
const VALUE_WIDTH = 60;
const BAR_HEIGHT = 14;
const ROW_HEIGHT = 24;
const TOP = 52;
const BOTTOM = 30;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 14px; font-weight: 600; }
  .quiet { fill: #59636e; }
  .bar { fill: #0969da; }
  .missed { fill: #bf8700; }
  .line { stroke: #59636e; stroke-width: 1; }
  .target { stroke: #1f2328; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    .bar { fill: #4493f8; }
    .missed { fill: #d29922; }
    .line { stroke: #9198a1; }
    .target { stroke: #f0f6fc; }
  }`;

export function chartOf(title: string, comparisons: readonly Comparison[]): string {
  const rows = comparisons.filter(({ target }) => target !== null);
  const greatest = Math.max(1, ...rows.flatMap(({ ratio, target }) => [ratio.median, target ?? 0]));
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / greatest;
  const x = (ratio: number) => (LABEL_WIDTH + ratio * scale).toFixed(1);
  const height = TOP + rows.length * ROW_HEIGHT + BOTTOM;
  const bars = rows.map((row, i) => barOf(row, TOP + i * ROW_HEIGHT, x));
  const end = height - BOTTOM;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${escape(title)}</title>
<style>${STYLE}
</style>
<text x="0" y="18" class="title">${escape(title)}</text>
<text x="0" y="36" class="quiet">times faster than each peer; the upright mark is the target, the thin line is equal speed</text>
${bars.join("\n")}
<line x1="${x(1)}" x2="${x(1)}" y1="${TOP - 4}" y2="${end}" class="line"/>
<text x="${x(1)}" y="${end + 16}" class="quiet" text-anchor="middle">1x</text>
</svg>
`;
}

function barOf({ title, peerName, ratio, target }: Comparison, y: number, x: (ratio: number) => string): string {
  const middle = y + BAR_HEIGHT - 3;
  const width = (Number(x(ratio.median)) - LABEL_WIDTH).toFixed(1);
  const end = Number(x(ratio.median));
  const mark = Number(x(target ?? 0));
  // Behind the bar, or behind the mark where that would be in the way.
  const label = mark > end && mark < end + VALUE_WIDTH ? mark : end;
  const isMet = target === null || ratio.median >= target;
  return `<text x="${LABEL_WIDTH - 8}" y="${middle}" text-anchor="end">${escape(title)} <tspan class="quiet">/ ${escape(peerName)}</tspan></text>
<rect x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2" class="${isMet ? "bar" : "bar missed"}"/>
<line x1="${mark}" x2="${mark}" y1="${y - 3}" y2="${y + BAR_HEIGHT + 3}" class="target"/>
<text x="${label + 6}" y="${middle}">${factor(ratio.median)}</text>`;
}

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
