/** The settings of an app that is measured: nothing of the user's budget stands in its way. */
import { join } from 'node:path';
import type { AppSettings } from '../src/app.ts';
import { defaultConfig } from '../test/support/default-config.ts';

type Measured = Pick<AppSettings, 'apiUrl' | 'plan'> & { apiKey: string; folder: string };

/** @param options `folder`: where pictures and records go */
export function benchSettings({ apiKey, apiUrl, plan, folder }: Measured): AppSettings {
  return {
    ...defaultConfig(),
    apiKey,
    apiUrl,
    plan,
    downloadHosts: [],
    outputDir: join(folder, 'pictures'),
    stateDir: join(folder, 'state'),
    sandbox: false,
    maxCreditsPerDay: 1e8,
    maxImagesPerDay: 1e6,
  };
}
