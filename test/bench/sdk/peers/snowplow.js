import { newTracker, trackStructEvent } from "@snowplow/browser-tracker";

newTracker("bench", window.collector, { appId: "bench" });
window.bench = {
  track: (id, text) => trackStructEvent({ category: "ad", action: "click", label: id, property: text }),
};
