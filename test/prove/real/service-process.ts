/** The emulated service with a bad network before it, in a process of its own; its parent asks and is asked by messages. */
import { systemClock } from '../../../src/runtime/system.ts';
import { setStage, type StageOptions } from '../../crash/stage.ts';
import type { FromService, Place, Reports, ToService } from './service.ts';

const send = (message: FromService): void => void process.send?.(message);

const stage = await setStage(systemClock, JSON.parse(process.argv[2] ?? '{}') as StageOptions);
const heldOrders = new Map<number, () => void>();
let orders = 0;

/** The order goes on when the parent says so. */
function askParent(): Promise<void> {
  orders += 1;
  const order = orders;
  return new Promise((resolve) => {
    heldOrders.set(order, resolve);
    send({ type: 'order', order, prompt: stage.witness.arrivals().at(-1)?.prompt });
  });
}

function report(): Reports {
  const { jobs, charges } = stage.sandbox.inspect();
  return { jobs, charges, arrivals: stage.witness.arrivals() };
}

process.on('message', async (message: ToService) => {
  if (message.type === 'goOn') {
    heldOrders.get(message.order)?.();
    heldOrders.delete(message.order);
  }
  if (message.type === 'watchOrders') stage.witness.onOrder = message.isWatched ? askParent : undefined;
  if (message.type === 'script') stage.faults.script(message.faults, message.on);
  if (message.type === 'stopFaults') stage.witness.stopFaults();
  if (message.type === 'report') send({ type: 'report', of: report() });
  if (message.type === 'close') {
    await stage.close();
    process.exit();
  }
});
process.on('disconnect', () => process.exit());

const { folder, stateDir, outputDir, settings, sandbox } = stage;
const place: Place = { folder, stateDir, outputDir, url: settings.apiUrl, key: sandbox.key };
send({ type: 'started', place });
