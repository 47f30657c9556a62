/** The records of one service and key, and what is needed to print them. */
import { createApp } from '../app.ts';
import { createStderrLog } from '../runtime/stderr-log.ts';
import { apiKeyOf } from '../storage/key-file.ts';
import { type Arguments, UsageError } from './command.ts';
import { NOT_FOR_JOBS, secretsOf, settingsOf } from './settings.ts';
import { writeStderr } from './terminal-text.ts';

export type Records = Awaited<ReturnType<typeof openRecords>>;

/** @throws UsageError without a key */
export async function openRecords(args: Arguments, command: string) {
  const config = await settingsOf(args, NOT_FOR_JOBS);
  const apiKey = await apiKeyOf(config);
  if (apiKey === undefined)
    throw new UsageError(
      `${command} needs your key to find the records, which are kept separately for each service and key; the key is ` +
        'not sent anywhere. Set DOITONG_API_KEY or DOITONG_API_KEY_FILE.',
    );
  const secrets = secretsOf({ ...config, apiKey });
  const log = createStderrLog(config.logLevel, secrets.redact, writeStderr);
  const onSecret = (secret: string): void => secrets.add(secret);
  const app = await createApp({ ...config, apiKey, sandbox: false }, { log, onSecret });
  return { app, jobs: app.jobs, apiUrl: config.apiUrl, folder: app.store.location, log, redact: secrets.redact };
}
