/** The four numbers on top, and the four facts that say how far they can be trusted. */
import type { Answer, Stream } from "./api-schemas.ts";
import { byId, setText } from "./dom.ts";
import {
  formatChange,
  formatCount,
  formatDay,
  formatDuration,
  formatMinute,
  formatMoment,
  formatShare,
  plural,
} from "./format.ts";
import { bucketName, LIVE_RANGES, type Range } from "./range.ts";
import type { TopAdsInShort } from "./top-ads.ts";

/** A screen reader hears the numbers this often at most; every second would drown everything else. */
const SPOKEN_EVERY_MS = 30_000;

const MINUTE_MS = 60_000;

export interface Headline {
  readonly range: Range;
  /** Clicks by bucket. */
  readonly series: Answer;
  /** The last minutes by the minute; null for a range of dates. */
  readonly pulse: Answer | null;
  readonly top: TopAdsInShort;
  readonly bucketMinutes: number;
}

const text = (id: string, value: string): void => setText(byId(id, HTMLElement), value);

let spokenAt = Number.NEGATIVE_INFINITY;

export function showHeadline({ range, series, pulse, top, bucketMinutes }: Headline): void {
  const counts = series.rows.map(clicksOf);
  const clicks = counts.reduce((sum, count) => sum + count, 0);
  const span = range.kind === "live" ? LIVE_RANGES[range.last].name : "between these dates";
  text("clicks", formatCount(clicks));
  text("clicks-aside", span);
  text("ads", top.truncated ? `${formatCount(top.ads)}+` : formatCount(top.ads));
  text(
    "ads-aside",
    top.first === null ? "none yet" : `${top.first.name} leads with ${formatShare(top.first.clicks, clicks)}`,
  );
  if (pulse === null) showDates(series, counts, clicks, bucketMinutes);
  else showPulse(pulse);
  speak(`${plural(clicks, "click")} ${span}, on ${plural(top.ads, "ad")}.`);
}

function showPulse(pulse: Answer): void {
  const [now, last, before] = pulse.rows.toReversed();
  text("pace-label", "Last full minute");
  text("now-label", "This minute");
  text("pace", formatCount(clicksOf(last)));
  text("pace-aside", `${formatChange(clicksOf(before), clicksOf(last))} on the minute before`);
  text("now", formatCount(clicksOf(now)));
  text("now-aside", `since ${formatMinute(Number(now?.["time"] ?? pulse.to))}, still filling`);
}

function showDates(series: Answer, counts: readonly number[], clicks: number, bucketMinutes: number): void {
  const most = Math.max(0, ...counts);
  const at = series.rows[counts.indexOf(most)]?.["time"];
  const minutes = Math.max(1, (series.to - series.from) / MINUTE_MS);
  text("pace-label", "Per minute");
  text("pace", formatCount(clicks / minutes));
  text("pace-aside", `on average, over ${formatDuration(series.to - series.from)}`);
  text("now-label", "Busiest");
  text("now", formatCount(most));
  const bucket = bucketName(bucketMinutes);
  const since = typeof at === "number" && most > 0 ? ` from ${formatDay(at)}, ${formatMinute(at)}` : "";
  text("now-aside", `in the ${bucket}${since}`);
}

/** How far the numbers can be trusted, in words. */
export function showFacts(answer: Answer, stream: Stream | null, nowMs: number): void {
  const { watermark, from, to } = answer;
  text("fact-watermark", watermark === null ? "nothing yet" : formatMoment(watermark, nowMs));
  text("fact-final", finality(answer, stream?.config.allowedLatenessMs ?? null, from, to));
  const gaps = answer.missing.length;
  text(
    "fact-complete",
    answer.complete ? "Yes, every partition answered" : `No, ${plural(gaps, "part is", "parts are")} missing`,
  );
  text("fact-source", sourceInWords(answer));
}

function finality({ final, watermark }: Answer, latenessMs: number | null, from: number, to: number): string {
  if (final) return "Yes, nothing more is expected";
  if (watermark === null || latenessMs === null) return "Not yet, late clicks may be added";
  const until = Math.floor((watermark - latenessMs) / MINUTE_MS) * MINUTE_MS;
  return until <= from || until > to
    ? "Not yet, late clicks may be added"
    : `Up to ${formatMinute(until)}; late clicks may be added after`;
}

function sourceInWords({ source, stats }: Answer): string {
  const took = formatDuration(stats.elapsedMs);
  const view = /^view:(.+)@(\d+)$/.exec(source);
  return view === null
    ? `The log: ${plural(stats.recordsScanned, "record")} read in ${took}`
    : `View ${view[1]}, generation ${view[2]}, in ${took}`;
}

function speak(sentence: string): void {
  const now = performance.now();
  if (now - spokenAt < SPOKEN_EVERY_MS) return;
  spokenAt = now;
  text("spoken", sentence);
}

const clicksOf = (row: Answer["rows"][number] | undefined): number => Number(row?.["clicks"] ?? 0);
