/** The settings of an app that is measured: nothing of the user's budget stands in its way. */
import { join } from 'node:path';
import type { AppSettings } from '../src/app.ts';

type Measured = Pick<AppSettings, 'apiUrl' | 'plan'> & { apiKey: string; folder: string };

/** @param options `folder`: where pictures and records go */
export function benchSettings({ apiKey, apiUrl, plan, folder }: Measured): AppSettings {
  return {
    apiKey,
    apiKeyFile: undefined,
    apiUrl,
    plan,
    dialect: 'auto',
    jobQuery: 'auto',
    downloadHosts: [],
    webhookUrl: undefined,
    webhookSecret: undefined,
    outputDir: join(folder, 'pictures'),
    stateDir: join(folder, 'state'),
    sandbox: false,
    maxCreditsPerDay: 1e8,
    maxCreditsPerCall: 500,
    maxImagesPerDay: 1e6,
    confirmAboveCredits: 100,
    lowCreditsAlert: 100,
    stalledMinutes: 15,
    resendHours: 23,
  };
}
