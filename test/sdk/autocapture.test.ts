import { expect, it } from "vitest";
import { attributesOf } from "../../sdk/autocapture.ts";

it("makes attributes of data-*, as the browser names them, and as the text that they are", () => {
  expect(attributesOf({ adId: "ad-1", campaignId: "7", price: "0.12" })).toEqual({
    adId: "ad-1",
    campaignId: "7",
    price: "0.12",
  });
});

it.each([
  ["a reserved name", { time: "now" }],
  ["what is no name", { "1st": "x" }],
  ["what is longer than an attribute may be", { text: "x".repeat(1_025) }],
  ["what is longer in UTF-8", { text: "€".repeat(400) }],
])("leaves out %s, rather than lose the click over it", (_, extra) => {
  expect(attributesOf({ adId: "ad-1", ...extra })).toEqual({ adId: "ad-1" });
});

it("leaves room for the context of a page that marks too much", () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`a${i}`, "x"]));
  expect(Object.keys(attributesOf(many))).toHaveLength(32);
});
