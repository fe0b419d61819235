// Builds the demo: two pages that the worker serves as assets.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const inDemo = (file: string) => fileURLToPath(new URL(`./demo/${file}`, import.meta.url));

export default defineConfig({
  root: inDemo("."),
  build: {
    outDir: fileURLToPath(new URL("./dist/demo", import.meta.url)),
    emptyOutDir: true,
    rolldownOptions: { input: [inDemo("index.html"), inDemo("dashboard.html")] },
  },
});
