/** A process of its own that counts a shared value up. */
import type { Durability } from '../../../src/core/shared-value.ts';
import { SharedState } from '../../../src/core/shared-value.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createFileValues } from '../../../src/storage/file-stores.ts';
import { COUNT, increased } from './count-value.ts';

const [folder = '', count = '0', durability = 'process'] = process.argv.slice(2);
const log = { debug() {}, info() {}, warn() {}, error: console.error };
const state = new SharedState(createFileValues(folder, { clock: systemClock, log }), COUNT, systemClock);
// The clock's sleeps keep no process alive.
const alive = setInterval(() => undefined, 1_000);
for (let n = 0; n < Number(count); n += 1) await state.change(increased, durability as Durability);
clearInterval(alive);
