/** The settings of a user who has set nothing. */
import { loadConfig } from '../../src/config/load-config.ts';
import type { Config } from '../../src/config/settings.ts';

export function defaultConfig(): Config {
  const loaded = loadConfig({}, {});
  if (!loaded.ok) throw new Error(loaded.problems.join());
  return loaded.config;
}
