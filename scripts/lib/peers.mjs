// The engines that `npm run bench` measures Headwater against. They are large and nobody else needs them, so they have a
// lock of their own, and are installed when somebody measures for the first time.
import { isInstalled, npmCi } from "./install.mjs";

const FOLDER = "test/bench/peers";

/** @returns {Promise<string | null>} why they could not be installed; null if they are there */
export async function installPeers() {
  if (isInstalled(FOLDER)) return null;
  console.log("Installing what is measured against …");
  const { code, output } = await npmCi(FOLDER, { capture: true });
  return code === 0 ? null : `npm ci in ${FOLDER} failed: ${output.trim()}`;
}
