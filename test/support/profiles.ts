/** Profiles of browsers on disk, for as long as a test runs. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchProfile, type ProfileBrowser } from "./chromium.ts";

export class Profiles {
  readonly #own: string;
  readonly #paths: string[];

  private constructor(own: string) {
    this.#own = own;
    this.#paths = [own];
  }

  /** With one that is empty. */
  static async make(): Promise<Profiles> {
    return new Profiles(await makeFolder());
  }

  /** Starts a browser on the one profile: again, after it was killed. */
  readonly launch = (): Promise<ProfileBrowser> => launchProfile(this.#own);

  /** Copies it as it is on disk: its browser must not be running. */
  readonly clone = async (): Promise<{ launch(): Promise<ProfileBrowser> }> => {
    const copy = await makeFolder();
    this.#paths.push(copy);
    // Its lock says that another browser has it.
    await cp(this.#own, copy, { recursive: true, filter: (path) => !path.includes("Singleton") });
    return { launch: () => launchProfile(copy) };
  };

  async remove(): Promise<void> {
    for (const path of this.#paths) await rm(path, { recursive: true, force: true, maxRetries: 5 });
  }
}

const makeFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "headwater-profile-"));
