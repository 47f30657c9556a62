/** The server from its sources, which names the files that executed something: asked over the channel to its parent. */
import { Session } from 'node:inspector';

const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

/** Files of src/ in which a function ran since the last time; a module that was merely loaded does not count. */
function executedFiles(): string[] {
  let files: string[] = [];
  session.post('Profiler.takePreciseCoverage', (error, { result }) => {
    if (error) throw error;
    files = result
      .filter(({ functions }) =>
        functions.some(({ functionName, ranges: [range] }) => {
          if (range === undefined || range.count === 0) return false;
          return functionName !== '' || range.startOffset > 0;
        }),
      )
      .flatMap(({ url }) => /\/src\/(.+\.ts)$/u.exec(url)?.[1] ?? []);
  });
  return files;
}

process.on('message', () => process.send?.(executedFiles()));
process.channel?.unref();
await import('../src/main.ts');
