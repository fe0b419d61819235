/** The dashboard's entry: asks the edge again and again, and hands each answer to the panels. */
import "uplot/dist/uPlot.min.css";
import { offerUnlocking, showUnlocked } from "./admin-key.ts";
import { Api, ApiProblem, type Query } from "./api.ts";
import type { Answer, Stream, View } from "./api-schemas.ts";
import { Chart } from "./chart.ts";
import { type Connection, loadConnection } from "./config.ts";
import { askForConnection, isConnectionWanted, wantConnection } from "./connection-form.ts";
import { byId, setText } from "./dom.ts";
import { Filters } from "./filters.ts";
import { plural } from "./format.ts";
import { showFacts, showHeadline } from "./headline.ts";
import { LiveBell } from "./live-bell.ts";
import { showFailure, showGaps, showLiveness } from "./notices.ts";
import { showPartitions } from "./partitions.ts";
import { startPoll } from "./poll.ts";
import { aroundBucket, asQuery, bucketMinutes, bucketName, LIVE_RANGES } from "./range.ts";
import { TOP_LIMIT, TopAds } from "./top-ads.ts";
import { Origins } from "./origins.ts";
import { followPlaces } from "./places.ts";
import { Workbench } from "./workbench/workbench.ts";

/** Three questions each; a stored view answers one in a few milliseconds. */
const ANSWERS_EVERY_MS = 1_500;

/** While the live feed tells of every change, time alone moves what is shown. */
const ANSWERS_BESIDE_FEED_EVERY_MS = 10_000;

/** The log's ends and the views change seldom; the admin API is not made for polling. */
const STREAM_EVERY_MS = 3_000;

/** Which countries and devices occur. */
const OPTIONS_EVERY_MS = 30_000;

const MINUTE_MS = 60_000;

if (window.self !== window.top) {
  // Beside the front page, that is where the reader is already.
  const wayOut = byId("way-out", HTMLAnchorElement);
  wayOut.href = "/dashboard";
  wayOut.target = "_top";
  setText(wayOut, "Full page");
}

document.addEventListener("click", ({ target }) => {
  if (target instanceof Element && target.closest("[data-action=connect]") !== null) wantConnection();
});

const connection = await loadConnection();
if (connection === null || connection.readKey === "") {
  showConnectionForm(connection, "This page reads a stream, and needs to know which, and with what key.");
} else if (isConnectionWanted()) {
  showConnectionForm(connection, "Other keys, or another stream:");
} else {
  runDashboard(connection);
}

function showConnectionForm(known: Connection | null, reason: string): void {
  for (const place of ["numbers", "views"]) byId(`place-${place}`, HTMLElement).hidden = true;
  showLiveness("connecting", "Not connected");
  askForConnection(byId("connection-host", HTMLElement), "dashboard", known, reason);
}

/** What the panels hold between answers. */
interface Panels {
  readonly chart: Chart;
  readonly topAds: TopAds;
  stream: Stream | null;
}

function runDashboard(connection: Connection): void {
  const api = new Api(connection);
  let answeredAt: number | null = null;
  setText(byId("stream-name", HTMLElement), connection.stream);

  const filters = new Filters(() => {
    answers.kick();
    options.kick();
  });
  const panels: Panels = {
    chart: new Chart({ into: (from, to, bars) => zoomIn(filters, from, to, bars), out: () => filters.zoomOut() }),
    topAds: new TopAds((ad) => filters.chooseAd(ad)),
    stream: null,
  };
  const origins = new Origins((attribute, value) => filters.choose(attribute, value));

  const bell = new LiveBell(connection, () => answers.kick());
  const answers = startPoll(
    () => (bell.isListening ? ANSWERS_BESIDE_FEED_EVERY_MS : ANSWERS_EVERY_MS),
    async () => {
      const { choice } = filters;
      bell.follow(choice.range.kind === "live" ? { ...asQuery(choice.range), ...countedOf(choice) } : null);
      const given = await ask(api, choice);
      if (filters.choice !== choice) return; // asked anew already
      answeredAt = Date.now();
      show(given, panels, answeredAt);
    },
    (error, retryInMs) => showFailure(error, retryInMs, answeredAt, Date.now()),
  );
  // What fails here fails for the answers too, and is said there.
  const options = startPoll(
    () => OPTIONS_EVERY_MS,
    async () => origins.show(await filters.loadOptions(api)),
    () => {},
  );
  administer(api, panels, filters, () => answers.kick());
}

/** @param bars how many were chosen: one alone may be too little to look at */
function zoomIn(filters: Filters, from: number, to: number, bars: number): void {
  const { range } = filters.choice;
  const shownMs = range.kind === "live" ? LIVE_RANGES[range.last].ms : range.to - range.from;
  const stretch = bars === 1 ? aroundBucket(from, to - from, shownMs) : { from, to };
  if (stretch !== null) filters.zoomIn(stretch.from, stretch.to);
}

/** Can answer what this page asks: clicks, by the minute and by ad. */
const countsClicks = ({ groupBy, window, session, measures }: View): boolean =>
  groupBy.includes("adId") &&
  window === MINUTE_MS &&
  session === undefined &&
  Object.values(measures).some(({ count }) => count === true);

/** What takes the admin key: the log, the views, and what is done to them. */
function administer(api: Api, panels: Panels, filters: Filters, onAnswersChange: () => void): void {
  const workbench = new Workbench(api, () => {
    administered.kick();
    onAnswersChange();
  });
  followPlaces((place) => workbench.show(place));
  const administered = startPoll(
    () => STREAM_EVERY_MS,
    async () => {
      if (!api.canAdminister) return showUnlocked(false);
      const stream = await api.stream();
      panels.stream = stream;
      showPartitions(stream, Date.now());
      filters.offerViews(stream.views.filter(countsClicks).map(({ name }) => name));
      await workbench.refresh(stream.views);
      showUnlocked(true);
    },
    (error) => {
      // A silent edge is the answers' business to report; a wrong key is ours.
      if (error instanceof ApiProblem || panels.stream === null) showUnlocked(false);
    },
  );
  offerUnlocking(api, () => administered.kick());
}

interface Given {
  readonly choice: Filters["choice"];
  readonly minutes: number;
  readonly series: Answer;
  readonly top: Answer;
  readonly pulse: Answer | null;
}

function countedOf({ where, view }: Filters["choice"]) {
  return { where, ...(view !== null && { view }) };
}

async function ask(api: Api, choice: Filters["choice"]): Promise<Given> {
  const minutes = bucketMinutes(choice.range);
  const counted = countedOf(choice);
  const base: Query = { ...asQuery(choice.range), ...counted };
  const [series, top, pulse] = await Promise.all([
    api.query({ ...base, every: `${minutes}m` }),
    api.query({ ...base, groupBy: ["adId"], orderBy: "-clicks", limit: TOP_LIMIT }),
    // Its own question, because the buckets of a long range are wider than a minute.
    choice.range.kind === "live" ? api.query({ last: "2m", ...counted, every: "1m" }) : null,
  ]);
  return { choice, minutes, series, top, pulse };
}

function show({ choice, minutes, series, top, pulse }: Given, panels: Panels, now: number): void {
  const counts = series.rows.map((row) => Number(row["clicks"] ?? 0));
  const clicks = counts.reduce((sum, count) => sum + count, 0);
  const bucketMs = minutes * MINUTE_MS;
  const title = `Clicks per ${bucketName(minutes)}`;
  setText(byId("chart-title", HTMLElement), title);
  panels.chart.draw(
    {
      times: series.rows.map((row) => Number(row["time"] ?? 0)),
      counts,
      bucketMs,
      from: series.from,
      to: series.to,
      // By the edge's clock, which the end of a live range tells; this device's may be wrong.
      formingFrom: Math.floor((choice.range.kind === "live" ? series.to - 1 : now) / bucketMs) * bucketMs,
    },
    title,
  );
  const empty = byId("chart-empty", HTMLElement);
  empty.hidden = clicks > 0;
  setText(
    empty,
    Object.keys(choice.where).length > 0 ? "No clicks match these filters." : "No clicks in this range yet.",
  );
  const shownTop = panels.topAds.show(top, clicks);
  showHeadline({ range: choice.range, series, pulse, top: shownTop, bucketMinutes: minutes });
  showFacts(series, panels.stream, now);
  showGaps(series, now);
  showLiveness("live", choice.range.kind === "live" ? "Live" : "Up to date");
  document.title = `${plural(clicks, "click")} – Headwater`;
}
