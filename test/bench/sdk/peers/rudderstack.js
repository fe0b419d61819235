import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";

const analytics = new RudderAnalytics();
analytics.load("bench", window.collector, { configUrl: window.collector });
window.bench = { track: (id, text) => analytics.track("click", { id, text }) };
