import { AnalyticsBrowser } from "@segment/analytics-next";

const analytics = AnalyticsBrowser.load({ writeKey: "bench", cdnURL: window.collector });
window.bench = { track: (id, text) => void analytics.track("click", { id, text }) };
