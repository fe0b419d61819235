/** Serves a folder on an origin of its own; what is not there is an empty page. */
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const TYPES: Readonly<Record<string, string>> = { ".js": "text/javascript", ".html": "text/html" };

export class StaticFiles {
  readonly #server: Server;

  private constructor(folder: string) {
    this.#server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? "/", this.url);
      const type = TYPES[extname(pathname)] ?? "text/html";
      readFile(join(folder, normalize(pathname))).then(
        (content) => response.writeHead(200, { "Content-Type": type }).end(content),
        () => response.writeHead(extname(pathname) === ".js" ? 404 : 200, { "Content-Type": "text/html" }).end(""),
      );
    });
  }

  static async serve(folder: string): Promise<StaticFiles> {
    const files = new StaticFiles(folder);
    await new Promise<void>((resolve) => files.#server.listen(0, "127.0.0.1", resolve));
    return files;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
