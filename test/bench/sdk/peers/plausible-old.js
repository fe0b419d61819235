import Plausible from "plausible-tracker";

const { trackEvent } = Plausible({ domain: "bench.example", apiHost: window.collector, trackLocalhost: true });
window.bench = { track: (id, text) => trackEvent("click", { props: { id, text } }) };
