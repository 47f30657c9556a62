/** A service with a bad network before it, folders that processes share, and settings that lead to both. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/sandbox.ts';
import type { AppSettings } from '../../src/app.ts';
import type { Clock } from '../../src/core/ports.ts';
import { defaultConfig } from '../support/default-config.ts';
import { type FaultServer, startFaultServer } from '../support/fault-server.ts';
import { startWitness, type Witness, type WitnessOptions } from './witness.ts';

export type Stage = {
  sandbox: Sandbox;
  faults: FaultServer;
  witness: Witness;
  folder: string;
  stateDir: string;
  outputDir: string;
  settings: AppSettings;
  close(): Promise<void>;
};

export type StageOptions = {
  sandbox?: Omit<SandboxOptions, 'now' | 'sleep'>;
  witness?: Pick<WitnessOptions, 'withoutKeys' | 'withoutRateHeaders'>;
  settings?: Partial<AppSettings>;
};

/** Of settings and sandbox alike: nothing but the limit that a test sets stands in the way. */
const PLENTY = 10_000_000;
const MORE_THAN_ANY_RUN = 100_000;

/** @param clock the service's */
export async function setStage(
  { now, sleep }: Pick<Clock, 'now' | 'sleep'>,
  options: StageOptions = {},
): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'flux-crash-'));
  const sandbox = await startSandbox({
    plan: 'enterprise',
    credits: PLENTY,
    // Its 600 requests are per second here.
    windowMs: 1_000,
    ...options.sandbox,
    now,
    sleep,
  });
  const faults = await startFaultServer(sandbox.url);
  const witness = await startWitness({ now, faultServerUrl: faults.url, sandboxUrl: sandbox.url, ...options.witness });
  const stateDir = join(folder, 'state');
  const outputDir = join(folder, 'pictures');
  return {
    sandbox,
    faults,
    witness,
    folder,
    stateDir,
    outputDir,
    settings: {
      ...defaultConfig(),
      apiKey: sandbox.key,
      apiUrl: witness.url,
      plan: 'enterprise',
      downloadHosts: [],
      outputDir,
      stateDir,
      maxCreditsPerDay: PLENTY,
      maxCreditsPerCall: PLENTY,
      maxImagesPerDay: MORE_THAN_ANY_RUN,
      confirmAboveCredits: PLENTY,
      lowCreditsAlert: 0,
      sandbox: false,
      ...options.settings,
    },
    close: async () => {
      await witness.close();
      await faults.close();
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
