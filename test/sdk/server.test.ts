/** Rendered on a server, where there is neither document nor storage. */
import { expect, it } from "vitest";
import { autocapture } from "../../sdk/autocapture.ts";
import { createTracker } from "../../sdk/index.ts";

const OPTIONS = { endpoint: "https://events.example.com", stream: "clicks", writeKey: "wk_1" };

it("the tracker is inert: it says that it is closed, and tells nobody of a problem", async () => {
  const problems: unknown[] = [];
  const tracker = createTracker({
    ...OPTIONS,
    autocapture: true,
    context: { site: "a" },
    onError: (p) => problems.push(p),
  });
  const closed = expect.objectContaining({ code: "closed" });
  tracker.setContext({ userId: "u-1" });
  tracker.setConsent("denied");
  tracker.setConsent("granted");
  await expect(tracker.track("click")).rejects.toEqual(closed);
  await expect(tracker.click("ad-1")).rejects.toEqual(closed);
  await expect(tracker.flush()).rejects.toEqual(closed);
  await expect(tracker.optOut()).rejects.toEqual(closed);
  await expect(tracker.close()).resolves.toBeUndefined();
  expect(tracker.status()).toEqual({ durability: "memory", pending: 0, acknowledged: 0, lost: {}, leader: false });
  expect(problems).toEqual([]);
});

it("autocapture has nothing to listen to", () => {
  expect(() => autocapture(createTracker(OPTIONS))()).not.toThrow();
});
