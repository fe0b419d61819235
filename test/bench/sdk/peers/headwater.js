import { createTracker } from "headwater";

const tracker = createTracker({ endpoint: window.collector, stream: "clicks", writeKey: "wk_test" });
window.bench = {
  track: (id, text) => void tracker.click("ad-1", { id, text }),
  durable: (id) => tracker.click("ad-1", { id }),
};
