import { init, track } from "@plausible-analytics/tracker";

init({ domain: "bench.example", endpoint: `${window.collector}/api/event`, captureOnLocalhost: true });
window.bench = { track: (id, text) => track("click", { props: { id, text } }) };
