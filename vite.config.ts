// Builds the demo: two pages that the worker serves as assets.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const inRoot = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: inRoot("demo"),
  resolve: {
    // The SDK that the pages run is the one that is shipped, worker and all, not another build of its sources.
    alias: [{ find: /^(\.\.\/sdk\/index\.ts|headwater)$/, replacement: inRoot("dist/sdk/index.js") }],
  },
  build: {
    outDir: inRoot("dist/demo"),
    emptyOutDir: true,
    rolldownOptions: { input: [inRoot("demo/index.html"), inRoot("demo/dashboard.html")] },
  },
});
