import { init, track } from "@amplitude/analytics-browser";

init("bench", {
  serverUrl: `${window.collector}/2/httpapi`,
  remoteConfig: { serverUrl: `${window.collector}/config` }, // nothing is written down before this has answered
});
window.bench = { track: (id, text) => void track("click", { id, text }) };
