/** The front page's entry: a publisher's page with the tracker on it. */
import { createTracker } from "../sdk/index.ts";
import { setUpBeside } from "./beside.ts";
import { type Connection, loadConnection } from "./config.ts";
import { askForConnection } from "./connection-form.ts";
import { byId, setText } from "./dom.ts";
import { followTracker } from "./tracker-strip.ts";
import { setUpVisitors } from "./visitors.ts";

/** Long enough to see a click wait in the browser before it leaves; a real page keeps the default. */
const LINGER_MS = 600;

setText(
  byId("paper-date", HTMLElement),
  new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(),
);

const connection = await loadConnection();
if (connection === null || connection.writeKey === "") {
  byId("strip", HTMLElement).hidden = true;
  const reason = "This page reports clicks on its advertisements, and needs to know where to.";
  askForConnection(byId("connection-host", HTMLElement), "page", connection, reason);
} else {
  runPage(connection);
}

function runPage({ endpoint, stream, writeKey }: Connection): void {
  const tracker = createTracker({
    endpoint,
    stream,
    writeKey,
    autocapture: true,
    workerUrl: "/worker.js", // the build puts it beside this page
    lingerMs: LINGER_MS,
    context: { site: location.host },
  });
  const strip = followTracker(tracker);
  setUpVisitors((attributes) => {
    strip.clicked();
    tracker.track("click", attributes).catch(strip.refused);
  });
  setUpBeside();
}
