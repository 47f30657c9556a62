/**
 * Loaded by a server before its own code: the whole process stops itself (SIGSTOP) at one of its changes below the state
 * folder, as one does whose machine has no time for it. STOP_AT counts them from 1; STOP_WHEN is `before` or `after`.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { STOP_AT, STOP_WHEN, FLUX_STATE_DIR = '' } = process.env;
let changes = 0;

/** @param isChange of these arguments; the path that changes is the last text among them */
function stopping(call, isChange = () => true) {
  return (...args) => {
    const path = args.filter((arg) => typeof arg === 'string' && arg.startsWith('/')).at(-1) ?? '';
    if (!path.startsWith(FLUX_STATE_DIR) || !isChange(args)) return call(...args);
    changes += 1;
    const isStop = changes === Number(STOP_AT);
    if (isStop && STOP_WHEN === 'before') process.kill(process.pid, 'SIGSTOP');
    const result = call(...args);
    if (isStop && STOP_WHEN === 'after') process.kill(process.pid, 'SIGSTOP');
    return result;
  };
}

fs.openSync = stopping(fs.openSync, ([, flags]) => flags === 'wx');
fs.linkSync = stopping(fs.linkSync);
fs.renameSync = stopping(fs.renameSync);
fs.unlinkSync = stopping(fs.unlinkSync);
fs.rmSync = stopping(fs.rmSync);
fs.promises.mkdir = stopping(fs.promises.mkdir);
syncBuiltinESMExports();
