/** Errors of the system about records and shared values, as failures that say what an order may have cost by then. */
import { type CreditsSpent, FluxError } from '../core/failure.ts';
import type { StorageReason } from '../core/reasons.ts';
import { errorCode } from './disk.ts';

/** What goes wrong at that path is told as a failure of the storage. @throws FluxError of kind `storage_failed` */
export async function kept<Result>(
  path: string,
  creditsSpent: CreditsSpent,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FluxError) throw error;
    throw storageFailed({ code: 'state_not_kept', path, error: errorCode(error) }, creditsSpent, error);
  }
}

export function storageFailed(reason: StorageReason, creditsSpent: CreditsSpent, cause?: unknown): FluxError {
  return new FluxError({ kind: 'storage_failed', reason, creditsSpent, retry: 'no' }, { cause });
}
